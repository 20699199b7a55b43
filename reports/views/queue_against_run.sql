-- One row: how the time of the cohort's successful tasks divides into waiting and running.
--
-- succeeded: tasks that succeeded
-- tasks: of these, those whose start is known
-- queue_p50_seconds, queue_p90_seconds: quantiles of the time from submission to start
-- run_p50_seconds, run_p90_seconds: quantiles of the time from start to end
-- queue_share: sum of all waiting times / sum of all waiting and running times, over tasks for which both are known
create view queue_against_run as
select * exclude (queue_quantiles, run_quantiles)
from (
    select
        count(*) as succeeded,
        count(queue_seconds) as tasks,
        quantile_cont(queue_seconds, [0.5, 0.9]) as queue_quantiles,
        quantile_cont(run_seconds, [0.5, 0.9]) as run_quantiles,
        queue_quantiles[1] as queue_p50_seconds,
        queue_quantiles[2] as queue_p90_seconds,
        run_quantiles[1] as run_p50_seconds,
        run_quantiles[2] as run_p90_seconds,
        sum(queue_seconds) filter (where run_seconds is not null) / nullif(sum(queue_seconds + run_seconds), 0)
            as queue_share,
    from cohort.task_latency
    where event = 'SUCCESS'
);
