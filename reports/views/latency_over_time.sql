-- One row per bucket of submit_time, including those without tasks: how long the cohort's tasks took.
--
-- bucket_start: the first instant of the bucket
-- tasks: tasks with a duration: ended, or seen running
-- p50_seconds: the time by which half of them have succeeded or failed, from latency_quantiles; NULL if not reached
-- p50_seconds_low, p50_seconds_high: its 95% interval; NULL if not reached
-- is_slower: whether clearly more of the bucket's tasks than of the others took longer than the whole cohort's p95:
--   exact binomial tail at the share of the others, for buckets of 20 tasks or more, corrected for the number of
--   buckets tested (Benjamini and Hochberg), at 0.05
-- p95_seconds, p95_seconds_low, p95_seconds_high: the time by which 95% have succeeded or failed, with its interval
create view latency_over_time as
with buckets as (
    select
        to_timestamp(source) as bucket_start,
        max(seconds) filter (where q = 0.5) as p50_seconds,
        max(seconds_low) filter (where q = 0.5) as p50_seconds_low,
        max(seconds_high) filter (where q = 0.5) as p50_seconds_high,
        max(seconds) filter (where q = 0.95) as p95_seconds,
        max(seconds_low) filter (where q = 0.95) as p95_seconds_low,
        max(seconds_high) filter (where q = 0.95) as p95_seconds_high,
    from pooled_buckets.quantiles
    group by source
),

counted as (
    select
        to_timestamp(source) as bucket_start,
        count(observed_seconds) as tasks,
        count(*) filter (where observed_seconds > whole.seconds) as slow,
        sum(slow) over () - slow as slow_others,
        sum(count(observed_seconds)) over () - count(observed_seconds) as others,
    from pooled_buckets.task_latency
    cross join (select seconds from pooled.quantiles where q = 0.95) as whole
    group by source
),

tested as (
    select
        bucket_start,
        cohort.binomial_tail(slow, tasks, (slow_others + 0.5) / (others + 1)) as p_value,
        p_value * count(*) over () / row_number() over (order by p_value) as scaled,
    from counted
    where tasks >= 20 and others >= 20
),

corrected as (
    select bucket_start, min(scaled) over (order by p_value desc) <= 0.05 as is_slower,
    from tested
)

select
    every_bucket.bucket_start,
    coalesce(counted.tasks, 0) as tasks,
    coalesce(corrected.is_slower, false) as is_slower,
    buckets.* exclude (bucket_start),
from every_bucket
left join counted on every_bucket.bucket_start = counted.bucket_start
left join corrected on every_bucket.bucket_start = corrected.bucket_start
left join buckets on every_bucket.bucket_start = buckets.bucket_start
order by every_bucket.bucket_start;
