-- One row: the cohort in a few numbers.
--
-- tasks: tasks chosen
-- succeeded, failed, in_flight: how they stand; the three add up to tasks
-- without_submit_time: tasks that are in no bucket of time and no quantile, e.g. works that came without their task
-- failure_rate: failed / (succeeded + failed), with its Wilson interval failure_rate_low to failure_rate_high
-- provider_failure_rate: the same without the gateway's failures, with its interval
-- projected_failure_rate: what failure_rate will be once those in flight have ended
-- p50_seconds, p95_seconds, p99_seconds: the time by which that share has succeeded or failed, with intervals _low and
--   _high, from latency_quantiles
-- succeeded_p50_seconds, succeeded_p95_seconds: quantiles of the latency of those that succeeded
-- stuck: tasks in stuck_tasks
-- identity_conflicts: tasks of the kinds chosen whose answers are proven to be about other tasks, whenever they were
--   submitted, which nobody knows of them; they are in no other number
-- first_submit_time, last_submit_time: of the tasks chosen
-- last_observed_at: when a task chosen was last polled
-- step_seconds: length of the buckets of time in the other views
create view headline as
with quantiles as (
    from pooled.latency_quantiles
),

spread as (
    select
        max(seconds) filter (where q = 0.5) as p50_seconds,
        max(seconds_low) filter (where q = 0.5) as p50_seconds_low,
        max(seconds_high) filter (where q = 0.5) as p50_seconds_high,
        max(seconds) filter (where q = 0.95) as p95_seconds,
        max(seconds_low) filter (where q = 0.95) as p95_seconds_low,
        max(seconds_high) filter (where q = 0.95) as p95_seconds_high,
        max(seconds) filter (where q = 0.99) as p99_seconds,
        max(seconds_low) filter (where q = 0.99) as p99_seconds_low,
        max(seconds_high) filter (where q = 0.99) as p99_seconds_high,
    from quantiles
),

counted as (
    select
        count(*) as tasks,
        count(*) filter (where submit_time is null) as without_submit_time,
        min(submit_time) as first_submit_time,
        max(submit_time) as last_submit_time,
        max(last_observed_at) as last_observed_at,
        quantile_cont(latency_seconds, 0.5) filter (where status = 'SUCCESS') as succeeded_p50_seconds,
        quantile_cont(latency_seconds, 0.95) filter (where status = 'SUCCESS') as succeeded_p95_seconds,
    from cohort.tasks
    where not identity_conflict
)

select
    counted.*,
    coalesce(rates.succeeded, 0) as succeeded,
    coalesce(rates.failed, 0) as failed,
    coalesce(rates.in_flight, 0) as in_flight,
    rates.failure_rate,
    rates.failure_rate_low,
    rates.failure_rate_high,
    rates.provider_failure_rate,
    rates.provider_failure_rate_low,
    rates.provider_failure_rate_high,
    rates.projected_failure_rate,
    spread.*,
    (select count(*) from cohort.stuck_tasks) as stuck,
    (select count(*) from always.tasks where identity_conflict) as identity_conflicts,
    (select step_seconds from filters) as step_seconds,
from counted
cross join spread
left join pooled_total.failure_rate_daily as rates on true;
