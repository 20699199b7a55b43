-- One row per bucket of submit_time in UTC, source and action that has tasks: failure_rate_by(bucket_seconds).
-- Buckets are counted from 1970-01-01 00:00 UTC, whatever the time zone of the session.
--
-- bucket_start: the first instant of the bucket
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- submitted: tasks submitted in the bucket: succeeded + failed + in_flight + unknown
-- succeeded: those that succeeded
-- failed: those that failed
-- gateway_failed: those of the failed that failed by the gateway's doing
-- in_flight: those that have not been seen to end
-- unknown: those whose status nobody understands: neither running nor ended
-- failure_rate: failed / (succeeded + failed); NULL when none has ended
-- failure_rate_low: lower end of its 95% interval (Wilson)
-- failure_rate_high: upper end of its 95% interval (Wilson)
-- provider_failure_rate: DEPRECATED, goes with 0.3.0: (failed - gateway_failed) / (succeeded + failed - gateway_failed).
--   It counts bad input and refused content as the provider's; what each class caused is in failure_class_rates_daily
--   and failure_class_rates_by. NULL when nothing else has ended
-- provider_failure_rate_low: DEPRECATED: lower end of its 95% interval (Wilson)
-- provider_failure_rate_high: DEPRECATED: upper end of its 95% interval (Wilson)
-- projected_failure_rate: what failure_rate will be once those in flight have ended
--
-- See failure_rate_hourly for the formulas and what is left out.
create or replace macro failure_rate_by(bucket_seconds) as table
with counted as (
    select
        to_timestamp(floor(epoch(submit_time) / bucket_seconds) * bucket_seconds) as bucket_start,
        source,
        action,
        count(*) as submitted,
        count(*) filter (where event = 'SUCCESS') as succeeded,
        count(*) filter (where event = 'FAILURE') as failed,
        count(*) filter (where event = 'FAILURE' and fail_class in ('gateway', 'gateway_timeout')) as gateway_failed,
        count(*) filter (where event is null and not is_unknown) as in_flight,
        count(*) filter (where is_unknown) as unknown,
        nullif(succeeded + failed, 0)::double as ended,
        failed - gateway_failed as provider_failed,
        nullif(succeeded + provider_failed, 0)::double as provider_ended,
        1.959963984540054::double as z,
    from task_latency
    where submit_time is not null
    group by all
),

expected as (
    select
        to_timestamp(floor(epoch(submit_time) / bucket_seconds) * bucket_seconds) as bucket_start,
        source,
        action,
        count(p_failure) as known,
        sum(p_failure) as failing,
    from failure_chance
    group by all
),

rated as (
    select
        counted.*,
        z * sqrt(failed * (ended - failed) / ended + z * z / 4) + z * z / 2 as reach,
        z * sqrt(provider_failed * (provider_ended - provider_failed) / provider_ended + z * z / 4)
            + z * z / 2 as provider_reach,
        case
            when in_flight = 0 then failed / ended
            when in_flight = expected.known then (failed + expected.failing) / (submitted - unknown)
        end as projected_failure_rate,
    from counted
    left join expected
        on counted.bucket_start = expected.bucket_start
        and counted.source = expected.source
        and counted.action is not distinct from expected.action
)

-- Wilson's interval with the root in the denominator, where it cannot cancel: the low end of 0 of n is 0 exactly, the
-- high end of n of n is 1.
select
    bucket_start,
    source,
    action,
    submitted,
    succeeded,
    failed,
    gateway_failed,
    in_flight,
    unknown,
    failed / ended as failure_rate,
    failed * failed / ended / (failed + reach) as failure_rate_low,
    1 - succeeded * succeeded / ended / (succeeded + reach) as failure_rate_high,
    provider_failed / provider_ended as provider_failure_rate,
    provider_failed * provider_failed / provider_ended
        / (provider_failed + provider_reach) as provider_failure_rate_low,
    1 - succeeded * succeeded / provider_ended / (succeeded + provider_reach) as provider_failure_rate_high,
    projected_failure_rate,
from rated;
