-- One row per time since submission, in 120 even steps until 99% have ended or the longest was last seen: how many of
-- the cohort's tasks have succeeded and failed by then.
--
-- t_seconds: time since submission
-- p_success: estimated share that has succeeded by then, from outcome_incidence
-- p_failure: estimated share that has failed by then
-- p_running: estimated share still running then
-- tasks: tasks that the curve rests on
create view outcome_by_time as
with curve as materialized (
    from pooled.outcome_incidence
),

bounds as (
    select
        least(1.1 * min(t_seconds) filter (where p_running <= 0.01), max(t_seconds)) as horizon_seconds,
        max(at_risk) as tasks,
    from curve
),

steps as (
    select tasks, horizon_seconds * unnest(range(121)) / 120 as t_seconds,
    from bounds
    where tasks is not null
)

select
    steps.t_seconds,
    coalesce(curve.p_success, 0) as p_success,
    coalesce(curve.p_failure, 0) as p_failure,
    coalesce(curve.p_running, 1) as p_running,
    steps.tasks,
from steps
asof left join curve on steps.t_seconds >= curve.t_seconds
order by steps.t_seconds;
