-- One row per bucket of submit_time with tasks: can its values still change?
--
-- bucket_start: the first instant of the bucket
-- is_partial: whether it is not over yet for one of its sources and actions, or has tasks that still run (see
--   is_bucket_partial)
create view partial_buckets as
with counted as (
    select
        to_timestamp(bucket_number(submit_time)) as bucket_start,
        source,
        action,
        count(*) filter (where not is_terminal and status <> 'UNKNOWN') as in_flight,
    from cohort.tasks
    where submit_time is not null and not identity_conflict
    group by all
)

select
    counted.bucket_start,
    bool_or(published.is_bucket_partial(bucket_end, in_flight, last_observed_at, settle_seconds)) as is_partial,
from counted
left join every_bucket on counted.bucket_start = every_bucket.bucket_start
left join published.kind_follow_up
    on counted.source = kind_follow_up.source
    and counted.action is not distinct from kind_follow_up.action
group by counted.bucket_start;
