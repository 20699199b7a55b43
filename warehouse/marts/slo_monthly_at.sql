-- One row per objective and UTC month of submission that has tasks, as of an instant: slo_monthly_at(moment). What is
-- left of the month's error budget, and whether it will last, for the tasks submitted up to the instant, by what is
-- known today. slo_tasks defines what counts as good and as missed.
--
-- objective: name of the objective
-- source: which gateway the objective holds for; NULL for all
-- action: which action the objective holds for; NULL for all
-- seconds: the latency within which a task has to succeed
-- target: the share of tasks that should be good
-- month_start: beginning of the month of submission, UTC
-- good: tasks that succeeded in time
-- missed: tasks that failed, took longer, or were seen running when their time was over
-- total: good + missed: the tasks that count
-- open: tasks still running whose time was not over when last seen; they do not count yet
-- unknown: tasks with the verdict unknown (see slo_tasks); they do not count
-- attainment: good / total; NULL when nothing counts
-- expected_total: tasks that will count by the end of the month: total, and those of the remaining days at the rate
--   since the first task of the month. In a month that is not over, this and the next four columns are NULL in the
--   first 24 hours, and with fewer than 20 tasks
-- error_budget: misses that the target allows in the month: (1 - target) * expected_total
-- budget_left: error_budget - missed; below 0 the month's budget is spent
-- budget_left_share: budget_left / error_budget
-- will_last: whether the budget lasts to the end of the month: true or false only if that follows from both ends of the
--   95% interval of the share of misses (Wilson); false once the budget is spent; NULL if it is not clear, or if no
--   answer came for an hour (is_stale) and the month is not over
-- last_observed_at: as in slo_burn_at
-- is_stale: as in slo_burn_at
create or replace macro slo_monthly_at(moment) as table
with heard as (
    select objective, bool_or(is_stale) as is_stale, max(last_observed_at) as last_observed_at,
    from slo_burn_at(moment)
    group by objective
),

counted as (
    select
        objective,
        objective_source as source,
        objective_action as action,
        objective_seconds as seconds,
        target,
        date_trunc('month', make_timestamp(epoch_us(submit_time))) as month,
        count(*) filter (where verdict = 'good') as good,
        count(*) filter (where verdict = 'missed') as missed,
        good + missed as total,
        count(*) filter (where verdict = 'open') as open,
        count(*) filter (where verdict = 'unknown') as unknown,
        epoch(min(submit_time)) as first_at,
    from slo_tasks
    where submit_time <= moment::timestamptz
    group by 1, 2, 3, 4, 5, 6
),

paced as (
    select
        *,
        to_timestamp(epoch(month)) as month_start,
        epoch(month + to_months(1)) as end_at,
        least(epoch(moment::timestamptz), end_at) as now_at,
        now_at >= end_at as is_over,
        case
            when is_over then total
            when total >= 20 and now_at - first_at >= 86400 then total * (end_at - first_at) / (now_at - first_at)
        end as expected_total,
        nullif(total, 0)::double as n,
        1.959963984540054::double as z,
        z * sqrt(missed * (n - missed) / n + z * z / 4) + z * z / 2 as reach,
        missed * missed / n / (missed + reach) as miss_rate_low,
        1 - good * good / n / (good + reach) as miss_rate_high,
    from counted
),

budgeted as (
    select
        *,
        (1 - target) * expected_total as error_budget,
        missed + miss_rate_low * (expected_total - total) as missed_at_least,
        missed + miss_rate_high * (expected_total - total) as missed_at_most,
    from paced
)

select
    budgeted.objective,
    source,
    action,
    seconds,
    target,
    month_start,
    good,
    missed,
    total,
    open,
    unknown,
    good / n as attainment,
    expected_total,
    error_budget,
    error_budget - missed as budget_left,
    1 - missed / nullif(error_budget, 0) as budget_left_share,
    case
        when n is null then null
        when missed > error_budget then false
        when is_over then true
        when heard.is_stale then null
        when missed_at_least > error_budget then false
        when missed_at_most <= error_budget then true
    end as will_last,
    heard.last_observed_at,
    heard.is_stale,
from budgeted
inner join heard on budgeted.objective = heard.objective;
