-- One row: the cohort in a few numbers.
--
-- tasks: the chosen tasks
-- succeeded, failed, in_flight, unknown: their states; the four add up to tasks. Unknown: the status is not a known one
-- accepted, understood, quarantined, given_up, pending: all ids ever accepted of the chosen sources, of any action,
--   template and time of submission: those with a known task, and of the others those whose last answer could not be
--   understood, those given up, and those still to be polled; the four add up to accepted
-- last_answer_at: time of the last usable answer from the chosen sources
-- is_stale: whether one of these sources has ids due and has sent no usable answer for an hour
-- unclear_lists, unclear_tasks: lists of ids, and tasks in them, for which it is not known whether they were drawn from
--   running tasks (accepted_lists): they are counted from submission
-- without_submit_time: tasks that are in no bucket of time and no quantile, e.g. works that came without their task
-- failure_rate: failed / (succeeded + failed), with its Wilson interval failure_rate_low to failure_rate_high
-- provider_fault_rate: failures that are the provider's by failure_rules / (succeeded + failed), with its interval
-- projected_failure_rate: the expected failure_rate once the tasks in flight have ended, without unprojected
-- unprojected: tasks in flight without a projection, because no earlier task reached their age
-- p50_seconds, p95_seconds, p99_seconds: the time by which that share has succeeded or failed, with intervals _low and
--   _high, from latency_quantiles
-- succeeded_p50_seconds, succeeded_p95_seconds: quantiles of the latency of those that succeeded
-- stuck: tasks in stuck_tasks
-- identity_conflicts: tasks of the chosen kinds whose answers are proven to be about other tasks, at any time, as their
--   submit_time is not known; they are in no other number
-- first_submit_time, last_submit_time: of the chosen tasks
-- last_observed_at: when one of the chosen tasks was last polled
-- step_seconds: length of the buckets of time in the other views
create view headline as
with spread as (
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
    from pooled.quantiles
),

counted as (
    select
        count(*) as tasks,
        count(*) filter (where submit_time is null) as without_submit_time,
        min(submit_time) as first_submit_time,
        max(submit_time) as last_submit_time,
        max(last_observed_at) as last_observed_at,
        count(*) filter (where status = 'UNKNOWN') as unknown,
        count(*) filter (where status = 'FAILURE' and fail_class = 'provider') as failed_by_provider,
        nullif(count(*) filter (where is_terminal), 0)::double as ended,
        1.959963984540054::double as z,
        z * sqrt(failed_by_provider * (ended - failed_by_provider) / ended + z * z / 4) + z * z / 2 as reach,
        quantile_cont(latency_seconds, [0.5, 0.95]) filter (where status = 'SUCCESS') as succeeded_quantiles,
        succeeded_quantiles[1] as succeeded_p50_seconds,
        succeeded_quantiles[2] as succeeded_p95_seconds,
    from cohort.tasks
    where not identity_conflict
),

accounted as (
    select
        coalesce(sum(accepted), 0)::bigint as accepted,
        coalesce(sum(understood), 0)::bigint as understood,
        coalesce(sum(not_understood), 0)::bigint as quarantined,
        coalesce(sum(given_up_unseen), 0)::bigint as given_up,
        coalesce(sum(unseen), 0)::bigint as pending,
    from whole.id_accounting
    cross join memory.filters
    where sources is null or list_contains(sources, source)
),

heard as (
    select
        max(last_answer_at) as last_answer_at,
        coalesce(bool_or(is_stale and epoch(oldest_due_at) < epoch(now()) - 3600), false) as is_stale,
    from whole.collection_freshness
    cross join memory.filters
    where sources is null or list_contains(sources, source)
),

unclear as (
    select count(*) as unclear_lists, coalesce(sum(tasks), 0)::bigint as unclear_tasks,
    from cohort.accepted_lists
    cross join memory.filters
    where drawn_from = 'unclear' and (sources is null or list_contains(sources, source))
)

select
    counted.* exclude (failed_by_provider, ended, z, reach, succeeded_quantiles),
    accounted.*,
    heard.*,
    unclear.*,
    coalesce(rates.succeeded, 0) as succeeded,
    coalesce(rates.failed, 0) as failed,
    coalesce(rates.in_flight, 0) as in_flight,
    rates.failure_rate,
    rates.failure_rate_low,
    rates.failure_rate_high,
    failed_by_provider / ended as provider_fault_rate,
    failed_by_provider * failed_by_provider / ended / (failed_by_provider + reach) as provider_fault_rate_low,
    1 - (ended - failed_by_provider) * (ended - failed_by_provider) / ended / (ended - failed_by_provider + reach)
        as provider_fault_rate_high,
    rates.projected_failure_rate,
    coalesce(rates.unprojected, 0) as unprojected,
    spread.*,
    (select count(*) from cohort.stuck_tasks) as stuck,
    (select count(*) from always.tasks where identity_conflict) as identity_conflicts,
    (select step_seconds from filters) as step_seconds,
from counted
cross join spread
cross join accounted
cross join heard
cross join unclear
left join pooled_total.failure_rate_daily as rates on true;
