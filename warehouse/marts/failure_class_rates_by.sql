-- One row per bucket of submit_time in UTC, source, action and class of failure:
-- failure_class_rates_by(bucket_seconds). The share of ended tasks that failed, by cause. Every bucket with an ended
-- task has a row for each class that any failure has, also if the rate is 0. Within a bucket the rates add up to
-- failure_rate of failure_rate_by. Buckets are counted from 1970-01-01 00:00 UTC, regardless of the time zone of the
-- session.
--
-- bucket_start: the first instant of the bucket
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- fail_class: the cause: provider, gateway, gateway_timeout, content_policy, input, account, rate_limit, network,
--   cancelled or unknown
-- ended: tasks of the bucket that have ended, in success or failure
-- failed: those of them that failed with this class
-- failure_rate: failed / ended. Too high while tasks are in flight: failures end sooner
-- failure_rate_low: lower end of its 95% interval (Wilson)
-- failure_rate_high: upper end of its 95% interval (Wilson)
--
-- See failure_rate_hourly for the formula. Left out are tasks without a submit_time: they belong to no bucket.
create or replace macro failure_class_rates_by(bucket_seconds) as table
with counted as (
    select
        to_timestamp(floor(epoch(submit_time) / bucket_seconds) * bucket_seconds) as bucket_start,
        source,
        action,
        case when event = 'FAILURE' then coalesce(fail_class, 'unknown') end as fail_class,
        count(*) as tasks,
    from task_latency
    where submit_time is not null and event is not null
    group by all
),

buckets as (
    select bucket_start, source, action, sum(tasks)::bigint as ended,
    from counted
    group by all
),

classes as (
    select distinct fail_class
    from counted
    where fail_class is not null
),

rated as (
    select
        buckets.*,
        classes.fail_class,
        coalesce(counted.tasks, 0) as failed,
        1.959963984540054::double as z,
        z * sqrt(failed * (ended - failed) / ended + z * z / 4) + z * z / 2 as reach,
    from buckets
    cross join classes
    left join counted
        on buckets.bucket_start = counted.bucket_start
        and buckets.source = counted.source
        and buckets.action is not distinct from counted.action
        and classes.fail_class = counted.fail_class
)

select
    bucket_start,
    source,
    action,
    fail_class,
    ended,
    failed,
    failed / ended as failure_rate,
    failed * failed / ended / (failed + reach) as failure_rate_low,
    1 - (ended - failed) * (ended - failed) / ended / (ended - failed + reach) as failure_rate_high,
from rated;
