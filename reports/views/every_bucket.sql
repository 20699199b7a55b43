-- One row per bucket of submit_time from the first of the cohort to its last, those without tasks included.
--
-- bucket_start: the first instant of the bucket
-- bucket_end: the first instant after it
create view every_bucket as
with bounds as (
    select
        step_seconds,
        floor(epoch(min(submit_time)) / step_seconds)::bigint as first_number,
        floor(epoch(max(submit_time)) / step_seconds)::bigint as last_number,
    from cohort.tasks
    cross join filters
    where submit_time is not null
    group by step_seconds
),

numbered as (
    select step_seconds, unnest(generate_series(first_number, last_number)) as number,
    from bounds
)

select
    to_timestamp(number * step_seconds) as bucket_start,
    to_timestamp((number + 1) * step_seconds) as bucket_end,
from numbered;
