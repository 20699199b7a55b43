-- One row per bucket of submit_time, source and action that has tasks: latency_by(bucket, zone), e.g. latency_by('day',
-- 'Asia/Shanghai'); latency_by(900) has buckets of 900 s, counted from 1970-01-01 00:00 UTC.
--
-- bucket_start: the first instant of the bucket; bucket and zone as in the macro bucket_start
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- submitted: tasks submitted in the bucket: succeeded + failed + in_flight + unknown
-- succeeded: those that succeeded
-- failed: those that failed
-- in_flight: those that have not been seen to end
-- unknown: those with a status that is not known: neither running nor ended
-- p50_seconds: median latency of the succeeded, interpolated (quantile_cont); NULL when there is none
-- p90_seconds: 90th percentile of that latency
-- p95_seconds: 95th percentile of that latency
-- p99_seconds: 99th percentile of that latency
-- mean_seconds: mean latency of the succeeded
-- max_seconds: longest latency of the succeeded
-- is_partial: whether the bucket is not over, or some of its tasks still run (see is_bucket_partial): the figures may
--   change
--
-- See latency_hourly for what is left out.
create or replace macro latency_by(bucket, zone := 'UTC') as table
with bucketed as (
    select
        bucket_start(submit_time, bucket, zone) as bucket_start,
        source,
        action,
        count(*) as submitted,
        count(*) filter (where status = 'SUCCESS') as succeeded,
        count(*) filter (where status = 'FAILURE') as failed,
        count(*) filter (where not is_terminal and status <> 'UNKNOWN') as in_flight,
        count(*) filter (where status = 'UNKNOWN') as unknown,
        quantile_cont(latency_seconds, [0.5, 0.9, 0.95, 0.99]) filter (where status = 'SUCCESS') as percentiles,
        avg(latency_seconds) filter (where status = 'SUCCESS') as mean_seconds,
        max(latency_seconds) filter (where status = 'SUCCESS') as max_seconds,
    from tasks
    where submit_time is not null and not identity_conflict
    group by all
)

select
    bucket_start,
    bucketed.source,
    bucketed.action,
    submitted,
    succeeded,
    failed,
    in_flight,
    unknown,
    percentiles[1] as p50_seconds,
    percentiles[2] as p90_seconds,
    percentiles[3] as p95_seconds,
    percentiles[4] as p99_seconds,
    mean_seconds,
    max_seconds,
    is_bucket_partial(bucket_end(bucket_start, bucket, zone), in_flight, last_observed_at, settle_seconds)
        as is_partial,
from bucketed
left join kind_follow_up
    on bucketed.source = kind_follow_up.source
    and bucketed.action is not distinct from kind_follow_up.action;
