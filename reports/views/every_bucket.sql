-- One row per bucket of submit_time, from the cohort's first task to its last, including those without tasks.
--
-- bucket_start: the first instant of the bucket
-- bucket_end: the first instant after it
create view every_bucket as
with bounds as (
    select step_seconds, min(submit_time) as first_time, max(submit_time) as last_time
    from cohort.tasks
    cross join filters
    where submit_time is not null
    group by step_seconds
),

-- Steps of half a bucket, so that at least one falls into each, also into local days of 23 hours and short months.
moments as (
    select unnest(generate_series(first_time, last_time, to_seconds(step_seconds / 2))) as moment
    from bounds

    union all

    select last_time
    from bounds
)

select distinct
    to_timestamp(bucket_number(moment)) as bucket_start,
    published.bucket_end(bucket_start, bucket, timezone) as bucket_end,
from moments
cross join filters;
