-- One row per objective and window, of 1 and of 6 hours, up to an instant: slo_burn_at(moment), or slo_burn_at(moment,
-- min_sample := 50). How fast the error budget burns, and whether to wake somebody: is_burning holds only when both
-- windows burn faster than their threshold on at least min_sample (20) tasks each, i.e. when much has gone wrong and
-- still does. Tasks count in the window in which it became clear what they are (decided_at of slo_tasks), by what is
-- known today. Thresholds are those of Google, The Site Reliability Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate
-- Alerts" (table 5-8): 14.4 in 1 hour and 6 in 6 hours spend 2 % and 5 % of a 30-day budget. A target below 0.93 could
-- never burn that fast (with every task missed the rate is 1 / (1 - target)), so no threshold is above nine misses in
-- ten.
--
-- objective: name of the objective
-- source: which gateway the objective holds for; NULL for all
-- action: which action the objective holds for; NULL for all
-- seconds: the latency within which a task has to succeed
-- target: the share of tasks that should be good
-- window_hours: length of the window: 1 or 6
-- good: tasks that turned out good in the window
-- total: tasks that turned out good or missed in it
-- burn_rate: (total - good) / total / (1 - target); infinite for a miss where none is allowed; NULL when total is 0
-- threshold: the burn rate above which this window burns
-- is_enough: whether total is at least min_sample
-- is_burning: whether both windows burn, each on enough tasks: the same for both rows of an objective
create or replace macro slo_burn_at(moment, min_sample := 20) as table
with spans as (
    select unnest([1, 6]) as window_hours, unnest([14.4, 6.0]) as workbook_threshold
),

recent as (
    select *, epoch(moment::timestamptz) - epoch(decided_at) as ago_seconds,
    from slo_tasks
    where
        decided_at <= moment::timestamptz
        and epoch(decided_at) > epoch(moment::timestamptz) - 6 * 3600
),

counted as (
    select
        objectives.name as objective,
        objectives.source,
        objectives.action,
        objectives.seconds,
        objectives.target,
        spans.window_hours,
        least(any_value(spans.workbook_threshold), 0.9 / nullif(1 - objectives.target, 0)) as threshold,
        count(*) filter (where recent.verdict = 'good') as good,
        count(recent.verdict) as total,
    from objectives
    cross join spans
    left join recent
        on objectives.name = recent.objective
        and objectives.source is not distinct from recent.objective_source
        and objectives.action is not distinct from recent.objective_action
        and objectives.seconds = recent.objective_seconds
        and objectives.target = recent.target
        and recent.ago_seconds < 3600 * spans.window_hours
    group by 1, 2, 3, 4, 5, 6
),

rated as (
    select
        * exclude (threshold),
        case
            when total = 0 then null
            when good = total then 0
            when target >= 1 then 'infinity'::double
            else (total - good) / total / (1 - target)
        end as burn_rate,
        threshold::double as threshold,
        total >= min_sample as is_enough,
    from counted
)

select
    *,
    bool_and(coalesce(burn_rate > threshold, false) and is_enough)
        over (partition by objective, source, action, seconds, target) as is_burning,
from rated;
