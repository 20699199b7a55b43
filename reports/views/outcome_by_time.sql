-- One row per time since submission, in 120 equal steps until 99% have ended or the longest duration is reached: which
-- share of the cohort's tasks has succeeded and failed by then.
--
-- t_seconds: time since submission
-- p_success: estimated share that has succeeded by then, from outcome_incidence
-- p_failure: estimated share that has failed by then
-- p_running: estimated share still running then
-- tasks: tasks from which the curve is estimated
create view outcome_by_time as
with bounds as (
    select
        least(1.1 * min(t_seconds) filter (where p_running <= 0.01), max(t_seconds)) as horizon_seconds,
        max(at_risk) as tasks,
    from pooled.outcome_curve
),

-- The last row of the curve up to each step. Not a join: it would sort the curve for each step.
reached as (
    select
        greatest(ceil(t_seconds / horizon_seconds * 120 - 1e-9), 0)::bigint as step,
        arg_max({'success': p_success, 'failure': p_failure, 'running': p_running}, t_seconds) as share,
    from pooled.outcome_curve
    cross join bounds
    where horizon_seconds > 0 and t_seconds <= horizon_seconds
    group by step
)

select
    steps.step * horizon_seconds / 120 as t_seconds,
    coalesce(last_value(share.success ignore nulls) over up_to_now, 0) as p_success,
    coalesce(last_value(share.failure ignore nulls) over up_to_now, 0) as p_failure,
    coalesce(last_value(share.running ignore nulls) over up_to_now, 1) as p_running,
    bounds.tasks,
from bounds
cross join (select unnest(range(121)) as step) as steps
left join reached on steps.step = reached.step
where bounds.tasks is not null
window up_to_now as (order by steps.step rows unbounded preceding)
order by steps.step;
