-- One row per bucket of submit_time, source and action that has tasks: failure_rate_by(bucket, zone), e.g.
-- failure_rate_by('day', 'Asia/Shanghai'); failure_rate_by(900) has buckets of 900 s, counted from 1970-01-01 00:00
-- UTC.
--
-- bucket_start: the first instant of the bucket; bucket and zone as in the macro bucket_start
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- submitted: tasks submitted in the bucket: succeeded + failed + in_flight + unknown
-- succeeded: those that succeeded
-- failed: those that failed
-- gateway_failed: those of the failed for which the gateway is the cause
-- in_flight: those that have not been seen to end
-- unknown: those with a status that is not known: neither running nor ended
-- failure_rate: failed / (succeeded + failed); NULL when none has ended
-- failure_rate_low: lower end of its 95% interval (Wilson)
-- failure_rate_high: upper end of its 95% interval (Wilson)
-- provider_failure_rate: DEPRECATED, removed in 0.3.0: (failed - gateway_failed) / (succeeded + failed -
--   gateway_failed). It counts bad input and refused content as the provider's failures; failure_class_rates_daily and
--   failure_class_rates_by have a rate for each class. NULL when nothing else has ended
-- provider_failure_rate_low: DEPRECATED: lower end of its 95% interval (Wilson)
-- provider_failure_rate_high: DEPRECATED: upper end of its 95% interval (Wilson)
-- projected_failure_rate: the expected failure_rate once those in flight have ended: (failed + the sum of their
--   p_failure, from failure_chance) / (submitted - unknown - unprojected); equal to failure_rate when none is in
--   flight; NULL when a task that may still end has no p_failure
-- projected_failure_rate_low: lower end of its 95% prediction interval, in which unprojected tasks succeed; both ends
--   are failure_rate when none is in flight
-- projected_failure_rate_high: upper end, in which unprojected tasks fail
-- unprojected: those in flight without a p_failure. The projection leaves out those older than settle_seconds
--   (kind_follow_up), which will probably never end
-- is_partial: whether the bucket is not over, or some of its tasks still run (see is_bucket_partial): the figures may
--   change
--
-- See failure_rate_hourly for the formulas and what is left out.
create or replace macro failure_rate_by(bucket, zone := 'UTC') as table
with counted as (
    select
        bucket_start(submit_time, bucket, zone) as bucket_start,
        source,
        action,
        count(*) as submitted,
        count(*) filter (where status = 'SUCCESS') as succeeded,
        count(*) filter (where status = 'FAILURE') as failed,
        count(*) filter (where status = 'FAILURE' and fail_class in ('gateway', 'gateway_timeout')) as gateway_failed,
        count(*) filter (where not is_terminal and status <> 'UNKNOWN') as in_flight,
        count(*) filter (where status = 'UNKNOWN') as unknown,
        nullif(succeeded + failed, 0)::double as ended,
        failed - gateway_failed as provider_failed,
        nullif(succeeded + provider_failed, 0)::double as provider_ended,
        1.959963984540054::double as z,
    from tasks
    where submit_time is not null and not identity_conflict
    group by all
),

expected as (
    select
        bucket_start(submit_time, bucket, zone) as bucket_start,
        failure_chance.source,
        failure_chance.action,
        count(*) filter (where p_failure is null and age_seconds > settle_seconds) as ghosts,
        count(p_failure) as known,
        sum(p_failure) as failing,
        sum(p_failure * (1 - p_failure)) + failing * (known - failing) / avg(history_ended) as variance,
    from failure_chance
    left join kind_follow_up
        on failure_chance.source = kind_follow_up.source
        and failure_chance.action is not distinct from kind_follow_up.action
    group by all
),

rated as (
    select
        counted.*,
        z * sqrt(failed * (ended - failed) / ended + z * z / 4) + z * z / 2 as reach,
        z * sqrt(provider_failed * (provider_ended - provider_failed) / provider_ended + z * z / 4)
            + z * z / 2 as provider_reach,
        submitted - unknown as of,
        coalesce(expected.known, 0) as projected,
        in_flight - projected as unprojected,
        unprojected > coalesce(expected.ghosts, 0) as is_open,
        coalesce(expected.failing, 0) as expected_to_fail,
        if(projected > 0, z * sqrt(expected.variance) + 0.5, 0) as doubt,
    from counted
    left join expected
        on counted.bucket_start = expected.bucket_start
        and counted.source = expected.source
        and counted.action is not distinct from expected.action
)

-- Wilson's interval with the root in the denominator, which avoids cancellation: the low end of 0 of n is exactly 0,
-- the high end of n of n is 1.
select
    bucket_start,
    rated.source,
    rated.action,
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
    if(is_open, null, (failed + expected_to_fail) / nullif(of - unprojected, 0)) as projected_failure_rate,
    if(of > unprojected, (failed + greatest(expected_to_fail - doubt, 0)) / of, null)
        as projected_failure_rate_low,
    if(of > unprojected, (failed + least(expected_to_fail + doubt, projected) + unprojected) / of, null)
        as projected_failure_rate_high,
    unprojected,
    is_bucket_partial(bucket_end(bucket_start, bucket, zone), in_flight, last_observed_at, settle_seconds)
        as is_partial,
from rated
left join kind_follow_up
    on rated.source = kind_follow_up.source
    and rated.action is not distinct from kind_follow_up.action;
