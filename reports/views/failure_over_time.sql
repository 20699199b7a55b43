-- One row per bucket of submit_time, including those without tasks: how many of the cohort's tasks failed.
--
-- bucket_start: the first instant of the bucket
-- submitted, succeeded, failed, in_flight: number of tasks submitted, and of these by state
-- failure_rate, failure_rate_low, failure_rate_high: failed / (succeeded + failed), with its Wilson interval
-- provider_failure_rate: the same, without failures that are the gateway's
-- projected_failure_rate: the expected failure_rate once the tasks in flight have ended
create view failure_over_time as
with rates as (
    select to_timestamp(source) as bucket_start, * exclude (bucket_start),
    from buckets_total.failure_rate_daily
)

select
    every_bucket.bucket_start,
    coalesce(rates.submitted, 0) as submitted,
    coalesce(rates.succeeded, 0) as succeeded,
    coalesce(rates.failed, 0) as failed,
    coalesce(rates.in_flight, 0) as in_flight,
    rates.failure_rate,
    rates.failure_rate_low,
    rates.failure_rate_high,
    rates.provider_failure_rate,
    rates.projected_failure_rate,
from every_bucket
left join rates on every_bucket.bucket_start = rates.bucket_start
order by every_bucket.bucket_start;
