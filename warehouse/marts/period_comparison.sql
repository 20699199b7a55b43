-- One row per metric, source and action, and one per metric for all tasks together: the tasks submitted in the period
-- [a0, a1) compared with those in [b0, b1): period_comparison(a0, a1, b0, b1).
--
-- source: which gateway the tasks belong to; NULL for all together
-- action: what the tasks do; NULL for all together
-- is_total: whether this is the row for all together
-- metric: failure_rate, p50_seconds or p95_seconds (submission to success or failure; a task that has not ended counts
--   as longer than any)
-- n_a: tasks counted in [a0, a1): those that have ended, or for the latencies all that were followed up
-- n_b: tasks counted in [b0, b1), in the same way
-- a: the metric in [a0, a1); NULL without a task, or if the quantile is beyond the tasks that have ended
-- b: the metric in [b0, b1), in the same way
-- difference: b - a
-- difference_low: lower end of its 95% interval; NULL below 20 tasks in either period
-- difference_high: upper end; NULL below 20 tasks in either period
-- p_value: chance of a difference at least this large if there is none; NULL below 20 tasks in either period
-- q_value: smallest false discovery rate at which it is significant, over all rows of the call
-- mix_adjusted_difference: for all tasks together: the mean of the differences of the kinds that are in both periods,
--   each weighted by its tasks in both (direct standardisation over source and action): the change without the effect
--   of a different mix of kinds. For a single kind the same as difference
-- is_clear: whether q_value is at most 0.05
--
-- Only followed_up_tasks are counted, so both periods had the same follow-up. Rates: interval of Newcombe (Statistics
-- in Medicine 17 (1998) 873, method 10), p-value of the pooled score test, which needs 5 expected failures and 5
-- expected others in each period. Quantiles: intervals by order statistics, combined by Newcombe's method (Zou and
-- Donner, Statistics in Medicine 27 (2008) 1693); the p-value follows from the width of that interval. q-values:
-- Benjamini and Hochberg.
create or replace macro period_comparison(a0, a1, b0, b1) as table
with in_period as (
    select
        source,
        action,
        submit_time >= b0 and submit_time < b1 as is_b,
        event,
        coalesce(latency_seconds, if(event is null, 'infinity'::double, null)) as seconds,
    from followed_up_tasks
    where (submit_time >= a0 and submit_time < a1) or (submit_time >= b0 and submit_time < b1)
),

counted as (
    select
        source,
        action,
        grouping(source, action) = 3 as is_total,
        is_b,
        count(event)::double as ended,
        count(*) filter (where event = 'FAILURE')::double as failed,
        count(seconds)::double as timed,
        list_sort(list(seconds) filter (where seconds is not null)) as sorted,
    from in_period
    group by grouping sets ((source, action, is_b), (is_b))
),

-- One row per metric and period, with its own 95% interval: Wilson's for a rate; for a quantile by the binomial
-- distribution of its rank.
measured as (
    select
        source,
        action,
        is_total,
        is_b,
        unnest(['failure_rate', 'p50_seconds', 'p95_seconds']) as metric,
        unnest([ended, timed, timed]) as n,
        unnest([failed / nullif(ended, 0), quantile_at(sorted, 0.5), quantile_at(sorted, 0.95)]) as level,
        unnest(
            [
                failed * failed / nullif(ended, 0) / (failed + reach),
                quantile_at(sorted, greatest(0, 0.5 - 0.979982 / sqrt(timed))),
                quantile_at(sorted, greatest(0, 0.95 - 1.959964 * sqrt(0.0475 / timed)))
            ]
        ) as low,
        unnest(
            [
                1 - (ended - failed) * (ended - failed) / nullif(ended, 0) / (ended - failed + reach),
                quantile_at(sorted, 0.5 + 0.979982 / sqrt(timed)),
                quantile_at(sorted, 0.95 + 1.959964 * sqrt(0.0475 / timed))
            ]
        ) as high,
    from (
        select *, 3.841458820694124 as zz, sqrt(zz * failed * (ended - failed) / nullif(ended, 0) + zz * zz / 4) + zz / 2 as reach
        from counted
        where timed > 0
    )
),

paired as (
    select
        coalesce(one.source, other.source) as source,
        coalesce(one.action, other.action) as action,
        coalesce(one.is_total, other.is_total) as is_total,
        coalesce(one.metric, other.metric) as metric,
        coalesce(one.n, 0) as n_a,
        coalesce(other.n, 0) as n_b,
        finite_or_null(one.level) as a,
        finite_or_null(other.level) as b,
        n_a >= 20 and n_b >= 20 as is_enough,
        b - a as difference,
        if(
            is_enough,
            difference - sqrt((b - finite_or_null(other.low)) ** 2 + (finite_or_null(one.high) - a) ** 2),
            null
        ) as difference_low,
        if(
            is_enough,
            difference + sqrt((finite_or_null(other.high) - b) ** 2 + (a - finite_or_null(one.low)) ** 2),
            null
        ) as difference_high,
        if(one.metric = 'failure_rate', (n_a * a + n_b * b) / nullif(n_a + n_b, 0), null) as pooled,
    from (from measured where not is_b) as one
    full join (from measured where is_b) as other
        on one.source is not distinct from other.source
        and one.action is not distinct from other.action
        and one.is_total = other.is_total
        and one.metric = other.metric
),

tested as (
    select
        *,
        case
            when metric <> 'failure_rate' then
                two_sided_p(
                    1.959963984540054 * difference
                    / nullif(if(difference > 0, difference - difference_low, difference_high - difference), 0)
                )
            when is_enough and least(n_a, n_b) * least(pooled, 1 - pooled) >= 5 then
                two_sided_p(difference / sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b)))
        end as p_value,
    from paired
),

corrected as (
    select
        *,
        count(p_value) over () as looked_at,
        count(p_value) over (order by p_value nulls last range unbounded preceding) as position,
    from tested
),

-- The weight of a kind that is in both periods is the number of its tasks in both together.
adjusted as (
    select
        metric,
        sum((n_a + n_b) * difference) / sum(n_a + n_b) as mix_adjusted_difference,
    from tested
    where not is_total and difference is not null
    group by metric
)

select
    corrected.source,
    corrected.action,
    corrected.is_total,
    corrected.metric,
    corrected.n_a::bigint as n_a,
    corrected.n_b::bigint as n_b,
    corrected.a,
    corrected.b,
    corrected.difference,
    corrected.difference_low,
    corrected.difference_high,
    corrected.p_value,
    if(
        p_value is null,
        null,
        min(p_value * looked_at / position) over (order by p_value desc nulls first range unbounded preceding)
    ) as q_value,
    if(is_total, adjusted.mix_adjusted_difference, corrected.difference) as mix_adjusted_difference,
    coalesce(q_value <= 0.05, false) as is_clear,
from corrected
left join adjusted on corrected.metric = adjusted.metric;
