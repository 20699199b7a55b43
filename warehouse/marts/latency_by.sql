-- One row per bucket of submit_time in UTC, source and action that has tasks: latency_by(bucket_seconds). Buckets are
-- counted from 1970-01-01 00:00 UTC, whatever the time zone of the session.
--
-- bucket_start: the first instant of the bucket
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- submitted: tasks submitted in the bucket: succeeded + failed + in_flight + unknown
-- succeeded: those that succeeded
-- failed: those that failed
-- in_flight: those that have not been seen to end
-- unknown: those whose status nobody understands: neither running nor ended
-- p50_seconds: median latency of the succeeded, interpolated (quantile_cont); NULL when there is none
-- p90_seconds: 90th percentile, likewise
-- p95_seconds: 95th percentile, likewise
-- p99_seconds: 99th percentile, likewise
-- mean_seconds: mean latency of the succeeded
-- max_seconds: longest latency of the succeeded
--
-- See latency_hourly for what is left out.
create or replace macro latency_by(bucket_seconds) as table
with bucketed as (
    select
        to_timestamp(floor(epoch(submit_time) / bucket_seconds) * bucket_seconds) as bucket_start,
        source,
        action,
        count(*) as submitted,
        count(*) filter (where event = 'SUCCESS') as succeeded,
        count(*) filter (where event = 'FAILURE') as failed,
        count(*) filter (where event is null and not is_unknown) as in_flight,
        count(*) filter (where is_unknown) as unknown,
        quantile_cont(latency_seconds, [0.5, 0.9, 0.95, 0.99]) filter (where event = 'SUCCESS') as percentiles,
        avg(latency_seconds) filter (where event = 'SUCCESS') as mean_seconds,
        max(latency_seconds) filter (where event = 'SUCCESS') as max_seconds,
    from task_latency
    where submit_time is not null
    group by all
)

select
    bucket_start,
    source,
    action,
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
from bucketed;
