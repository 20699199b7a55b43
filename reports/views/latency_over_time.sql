-- One row per bucket of submit_time, those without tasks included: how long the cohort's tasks took.
--
-- bucket_start: the first instant of the bucket
-- tasks: tasks with a duration: ended, or seen running
-- p50_seconds: the time by which half of them have succeeded or failed, from latency_quantiles; NULL when not reached
-- p50_seconds_low, p50_seconds_high: its 95% interval; NULL when not reached
-- p95_seconds, p95_seconds_low, p95_seconds_high: likewise the time by which 95% have ended
create view latency_over_time as
with buckets as (
    select
        to_timestamp(source::bigint) as bucket_start,
        max(seconds) filter (where q = 0.5) as p50_seconds,
        max(seconds_low) filter (where q = 0.5) as p50_seconds_low,
        max(seconds_high) filter (where q = 0.5) as p50_seconds_high,
        max(seconds) filter (where q = 0.95) as p95_seconds,
        max(seconds_low) filter (where q = 0.95) as p95_seconds_low,
        max(seconds_high) filter (where q = 0.95) as p95_seconds_high,
    from pooled_buckets.latency_quantiles
    group by source
),

counted as (
    select to_timestamp(source::bigint) as bucket_start, count(observed_seconds) as tasks,
    from pooled_buckets.task_latency
    group by source
)

select
    every_bucket.bucket_start,
    coalesce(counted.tasks, 0) as tasks,
    buckets.* exclude (bucket_start),
from every_bucket
left join counted on every_bucket.bucket_start = counted.bucket_start
left join buckets on every_bucket.bucket_start = buckets.bucket_start
order by every_bucket.bucket_start;
