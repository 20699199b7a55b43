-- One row per source and action of the cohort, the one with most tasks first: its headline numbers.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do; NULL for works that came without their task
-- tasks, succeeded, failed, in_flight: number of tasks, and of these by state
-- failure_rate, failure_rate_low, failure_rate_high: the share of failures, with its Wilson interval
-- projected_failure_rate: the expected failure_rate once the tasks in flight have ended
-- p50_seconds, p50_seconds_low, p50_seconds_high: the time by which half have ended, from latency_quantiles
-- p95_seconds, p95_seconds_low, p95_seconds_high: the time by which 95% have ended, from latency_quantiles
create view by_kind as
with spread as (
    select
        source,
        action,
        max(seconds) filter (where q = 0.5) as p50_seconds,
        max(seconds_low) filter (where q = 0.5) as p50_seconds_low,
        max(seconds_high) filter (where q = 0.5) as p50_seconds_high,
        max(seconds) filter (where q = 0.95) as p95_seconds,
        max(seconds_low) filter (where q = 0.95) as p95_seconds_low,
        max(seconds_high) filter (where q = 0.95) as p95_seconds_high,
    from cohort.quantiles
    group by all
)

select
    rates.source,
    rates.action,
    rates.submitted as tasks,
    rates.succeeded,
    rates.failed,
    rates.in_flight,
    rates.failure_rate,
    rates.failure_rate_low,
    rates.failure_rate_high,
    rates.projected_failure_rate,
    spread.* exclude (source, action),
from cohort_total.failure_rate_daily as rates
left join spread
    on rates.source = spread.source
    and rates.action is not distinct from spread.action
order by tasks desc, rates.source, rates.action;
