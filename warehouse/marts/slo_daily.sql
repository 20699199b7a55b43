-- One row per objective and UTC day of submission: was it met? slo_tasks defines what counts as good and as missed:
-- failures caused by the gateway or by bad input are misses, too. On the newest day, misses may be known earlier than
-- successes: `open` tasks may still become good.
--
-- objective: name of the objective
-- source: which gateway the objective holds for; NULL for all
-- action: which action the objective holds for; NULL for all
-- seconds: the latency within which a task has to succeed
-- target: the share of tasks that should be good
-- bucket_start: beginning of the day
-- good: tasks that succeeded in time
-- missed: tasks that failed, took longer, or were seen running when their time was over
-- total: good + missed: the tasks that count
-- open: tasks still running whose time was not over when last seen; they do not count yet
-- unknown: tasks with the verdict unknown (see slo_tasks); they do not count
-- attainment: good / total; NULL when nothing counts
-- error_budget: misses that the target allows: (1 - target) * total
-- budget_left: error_budget - missed; below 0 the objective is broken
-- burn_rate: missed / error_budget: 1 spends the budget exactly, 2 twice; infinite for a miss if none is allowed.
--   See Google, The Site Reliability Workbook, chapter 5, "Alerting on SLOs"
create or replace view slo_daily as
with counted as (
    select
        objective,
        objective_source as source,
        objective_action as action,
        objective_seconds as seconds,
        target,
        to_timestamp(epoch_us(submit_time) // 86_400_000_000 * 86_400) as bucket_start,
        count(*) filter (where verdict = 'good') as good,
        count(*) filter (where verdict = 'missed') as missed,
        good + missed as total,
        count(*) filter (where verdict = 'open') as open,
        count(*) filter (where verdict = 'unknown') as unknown,
    from slo_tasks
    group by 1, 2, 3, 4, 5, 6
)

select
    *,
    good / nullif(total, 0) as attainment,
    (1 - target) * total as error_budget,
    error_budget - missed as budget_left,
    case
        when total = 0 then null
        when missed = 0 then 0
        when target >= 1 then 'infinity'::double
        else missed / total / (1 - target)
    end as burn_rate,
from counted;
