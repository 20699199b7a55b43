-- One row per source, action and requested age: outcome_incidence_at([60, 120, 300]) is the share of tasks that have
-- succeeded, have failed and still run at these ages. NULL beyond the last time at which any task was at risk, where
-- nothing is known.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- after_seconds: the age
-- p_success: estimated share that has succeeded by then, with its 95% interval in the next two; NULL beyond
--   followed_seconds, like the following columns
-- p_success_low: lower end
-- p_success_high: upper end
-- p_failure: estimated share that has failed by then, with its 95% interval in the next two
-- p_failure_low: lower end
-- p_failure_high: upper end
-- p_running: estimated share that still runs
-- followed_seconds: the longest time for which a task of the kind was followed, to its end or while it ran
--
-- Formulas and sources as in outcome_incidence.
create or replace macro outcome_incidence_at(ages) as table
with curve as materialized (
    select *, coalesce(action, '') as action_key,
    from outcome_incidence
),

asked as (
    select source, action, max(t_seconds) as followed_seconds, unnest(ages)::double as after_seconds,
    from curve
    group by source, action
)

select
    asked.source,
    asked.action,
    asked.after_seconds,
    case when after_seconds <= followed_seconds then coalesce(curve.p_success, 0) end as p_success,
    case when after_seconds <= followed_seconds then coalesce(curve.p_success_low, 0) end as p_success_low,
    case when after_seconds <= followed_seconds then coalesce(curve.p_success_high, 0) end as p_success_high,
    case when after_seconds <= followed_seconds then coalesce(curve.p_failure, 0) end as p_failure,
    case when after_seconds <= followed_seconds then coalesce(curve.p_failure_low, 0) end as p_failure_low,
    case when after_seconds <= followed_seconds then coalesce(curve.p_failure_high, 0) end as p_failure_high,
    case when after_seconds <= followed_seconds then coalesce(curve.p_running, 1) end as p_running,
    asked.followed_seconds,
from asked
asof left join curve
    on asked.source = curve.source
    and coalesce(asked.action, '') = curve.action_key
    and asked.after_seconds >= curve.t_seconds;
