-- One row per source, action and requested age: latency_survival_at([60, 120, 300]) is the share of tasks still running
-- at these ages. NULL beyond the last time at which any task was at risk, where nothing is known.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- after_seconds: the age
-- survival: estimated share of tasks that take longer; NULL beyond followed_seconds
-- survival_low: lower end of its 95% interval
-- survival_high: upper end of its 95% interval
-- followed_seconds: the longest time for which a task of the kind was followed, to its end or while it ran
--
-- Formulas and sources as in latency_survival.
create or replace macro latency_survival_at(ages) as table
with curve as materialized (
    select *, coalesce(action, '') as action_key,
    from latency_survival
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
    case when after_seconds <= followed_seconds then coalesce(curve.survival, 1) end as survival,
    case when after_seconds <= followed_seconds then coalesce(curve.survival_low, 1) end as survival_low,
    case when after_seconds <= followed_seconds then coalesce(curve.survival_high, 1) end as survival_high,
    asked.followed_seconds,
from asked
asof left join curve
    on asked.source = curve.source
    and coalesce(asked.action, '') = curve.action_key
    and asked.after_seconds >= curve.t_seconds;
