-- One row per bucket of submit_time, including those without tasks: waiting and running times of the cohort's tasks
-- that succeeded and whose start is known.
--
-- bucket_start: the first instant of the bucket
-- succeeded: tasks that succeeded
-- tasks: of these, those whose start is known
-- queue_p50_seconds, queue_p90_seconds: quantiles of the time from submission to start
-- run_p50_seconds, run_p90_seconds: quantiles of the time from start to end
create view queue_and_run as
with timed as (
    select
        to_timestamp(bucket_number(submit_time)) as bucket_start,
        count(*) as succeeded,
        count(queue_seconds) as tasks,
        quantile_cont(queue_seconds, [0.5, 0.9]) as queue_quantiles,
        queue_quantiles[1] as queue_p50_seconds,
        queue_quantiles[2] as queue_p90_seconds,
        quantile_cont(run_seconds, [0.5, 0.9]) as run_quantiles,
        run_quantiles[1] as run_p50_seconds,
        run_quantiles[2] as run_p90_seconds,
    from cohort.task_latency
    where event = 'SUCCESS' and submit_time is not null
    group by 1
)

select
    every_bucket.bucket_start,
    coalesce(timed.succeeded, 0) as succeeded,
    coalesce(timed.tasks, 0) as tasks,
    timed.* exclude (bucket_start, succeeded, tasks, queue_quantiles, run_quantiles),
from every_bucket
left join timed on every_bucket.bucket_start = timed.bucket_start
order by every_bucket.bucket_start;
