-- One row per objective and window, of 1 and of 6 hours, up to an instant: slo_burn_at(moment), or slo_burn_at(moment,
-- min_sample := 50). How fast the error budget burns, and whether to raise an alert: is_burning is true when both
-- windows burn faster than their threshold, i.e. when much has gone wrong and still does, and chance does not explain
-- it. A task counts in the window in which its verdict became clear (decided_at of slo_tasks), by what is known today.
-- Thresholds are those of Google, The Site Reliability Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts"
-- (table 5-8): 14.4 in 1 hour and 6 in 6 hours spend 2% and 5% of a 30-day budget. A target below 0.93 could never burn
-- that fast (with every task missed the rate is 1 / (1 - target)), so no threshold is above nine misses in ten. How
-- often an objective that is met burns nevertheless, by chance: docs/statistics.md.
--
-- objective: name of the objective
-- source: which gateway the objective holds for; NULL for all
-- action: which action the objective holds for; NULL for all
-- seconds: the latency within which a task has to succeed
-- target: the share of tasks that should be good
-- window_hours: length of the window: 1 or 6
-- good: tasks whose verdict became good in the window
-- total: tasks whose verdict became good or missed in it
-- burn_rate: (total - good) / total / (1 - target); infinite for a miss if none is allowed; NULL when total is 0
-- threshold: the burn rate above which this window burns
-- p_value: the probability of at least as many misses among `total` tasks, if each is missed with the chance that the
--   target allows: 1 - target (exact binomial); NULL when total is 0
-- smallest_total: the fewest tasks that can cause an alert: at least three, and enough that p_value would be at most
--   0.0005 if all of them were missed
-- is_enough: whether total is at least smallest_total, and min_sample
-- last_observed_at: when the last usable answer came from its sources; if some of them are stale and have ids due
--   (collection_freshness_at), the earliest of their last answers; NULL if there was none
-- is_stale: whether no usable answer came for an hour: then the true state of the last hours is not known
-- is_burning: whether the objective burns, the same for both of its rows: both windows burn faster than their
--   threshold, and that of 6 hours has at least three misses, enough tasks, and a p_value of at most 0.0005. NULL (not
--   known) if it is stale and does not burn by what is known
create or replace macro slo_burn_at(moment, min_sample := 0) as table
with spans as (
    select unnest([1, 6]) as window_hours, unnest([14.4, 6.0]) as workbook_threshold
),

recent as (
    select *, epoch(moment::timestamptz) - epoch(decided_at) as ago_seconds,
    -- A verdict is clear when the objective's seconds are over, or before: older tasks cannot count in a window.
    from slo_tasks_after(moment::timestamptz - to_seconds((select max(seconds) from objectives) + 6 * 3600))
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
        total - good as missed,
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

-- A source without due ids is not expected to answer.
heard as (
    select
        objectives.name as objective,
        coalesce(
            min(last_answer_at) filter (where is_stale and oldest_due_at is not null), max(last_answer_at)
        ) as last_observed_at,
        coalesce(bool_or(is_stale and oldest_due_at is not null) or bool_and(is_stale), true) as is_stale,
    from objectives
    left join collection_freshness_at(moment) as freshness
        on coalesce(objectives.source = freshness.source, objectives.source is null)
    group by objectives.name
),

rated as (
    select
        counted.* exclude (threshold),
        case
            when total = 0 then null
            when missed = 0 then 0
            when target >= 1 then 'infinity'::double
            else missed / total / (1 - target)
        end as burn_rate,
        threshold::double as threshold,
        case when total > 0 then binomial_tail(missed, total, 1 - target) end as p_value,
        greatest(3, coalesce(ceil(ln(0.0005) / ln(nullif(1 - target, 0))), 3))::bigint as smallest_total,
        total >= greatest(min_sample, smallest_total) as is_enough,
        heard.last_observed_at,
        heard.is_stale,
    from counted
    inner join heard on counted.objective = heard.objective
),

judged as (
    select
        *,
        bool_and(
            coalesce(burn_rate > threshold, false)
            and (window_hours < 6 or is_enough and missed >= 3 and p_value <= 0.0005)
        ) over (partition by objective, source, action, seconds, target) as burns,
    from rated
)

select
    objective,
    source,
    action,
    seconds,
    target,
    window_hours,
    good,
    total,
    burn_rate,
    threshold,
    p_value,
    smallest_total,
    is_enough,
    last_observed_at,
    is_stale,
    case when burns then true when not is_stale then false end as is_burning,
from judged;
