-- One row per dimension and value, of the tasks submitted in [t0, t1): how often those with the value fail and how long
-- they take, compared with all others of the same source, action and day: drivers_between(t0, t1).
--
-- dimension: a column of task_dimensions
-- value: its value as text; NULL for tasks without one
-- n: tasks that have ended, with this value
-- share: n as a share of all tasks counted for the dimension
-- failed: those of the n that failed
-- failure_rate: failed / n
-- failure_rate_low: lower end of its 95% interval (Wilson)
-- failure_rate_high: upper end of its 95% interval (Wilson)
-- p50_seconds: median latency of the succeeded, interpolated; NULL when there is none
-- p50_seconds_low: lower end of its 95% interval, by order statistics; NULL below 20 successes
-- p50_seconds_high: upper end of its 95% interval; NULL below 20 successes
-- p95_seconds: 95th percentile of the latency of the succeeded, interpolated; NULL when there is none
-- p95_seconds_low: lower end of its 95% interval; NULL below 20 successes
-- p95_seconds_high: upper end; NULL below 20 successes, or if the interval ends beyond the longest latency
-- failure_effect: adjusted difference of failure rates, value minus others (Mantel-Haenszel); NULL without others
-- failure_effect_low: lower end of its 95% interval (Greenland and Robins)
-- failure_effect_high: upper end of its 95% interval
-- failure_p_value: chance of a difference at least this large if there is none; NULL with too few tasks for the test
-- failure_q_value: smallest false discovery rate at which the difference is significant, over all rows; NULL without a
--   p-value
-- latency_effect: adjusted ratio of typical latencies (geometric means of the succeeded), value to others; 1 is no
--   difference
-- latency_effect_low: lower end of its 95% interval
-- latency_effect_high: upper end of its 95% interval
-- latency_p_value: as failure_p_value, for latency
-- latency_q_value: as failure_q_value, for latency
-- is_clear: whether one of the two q-values is at most 0.03
--
-- The dimensions are source, and the columns of task_dimensions from action to text_length. A dimension with a single
-- value has no rows. Weekdays are compared only over two weeks or more: a weekday that occurred once is just one day.
--
-- A task without a payload is not counted in the dimensions of the payload: the payload is missing because the task
-- failed, not the other way round.
--
-- Equal follow-up: only followed_up_tasks are counted, so that slow tasks are not missing among those that have ended.
--
-- Both tests work within strata of source, action and day (for the dimension source: action and day; for action: source
-- and day; for weekday: source, action and week). In each stratum they compare the sum over the tasks with the value
-- with the sum that is expected if values were assigned at random; these differences are added up. For failures this is
-- the test of Cochran, Mantel and Haenszel with its continuity correction (1959), for the logarithm of latency the
-- stratified permutation test. A failure test needs an expectation at least 5 above the fewest and 5 below the most
-- failures that are possible (Mantel and Fleiss 1980), a latency test 20 successes on either side. q-values: Benjamini
-- and Hochberg 1995, over all tests of the call. In 300 simulated data sets without any difference, a limit of 0.05
-- raised a flag in 6.3% of them, one of 0.04 in 5.3%; so is_clear requires 0.03. Intervals: Wilson; Greenland and
-- Robins, Biometrics 41 (1985) 55; for the ratio the normal one on the log scale.
create or replace macro drivers_between(t0, t1) as table
with chosen as materialized (
    select source, task_id, submit_time,
    from followed_up_tasks
    where event is not null and submit_time >= t0 and submit_time < t1
),

counted as (
    select
        tasks.*,
        date_trunc('day', make_timestamp(epoch_us(submit_time))) as day,
        date_trunc('week', day) as week,
        hash(source, action, day) as stratum,
        (status = 'FAILURE')::integer as failed,
        if(status = 'SUCCESS' and latency_seconds > 0, latency_seconds, null) as succeeded_in,
    -- The condition is redundant, because the chosen tasks are of that time; but with it DuckDB skips other tasks.
    from task_dimensions_where(submit_time >= t0 and submit_time < t1) as tasks
    semi join chosen on tasks.source = chosen.source and tasks.task_id = chosen.task_id
),

-- Strata are numbers, for speed: two million rows are grouped by them.
listed as materialized (
    select
        unnest(
            [
                {'dimension': 'source', 'value': source, 'stratum': hash(action, day)},
                {'dimension': 'action', 'value': action, 'stratum': hash(source, day)},
                {'dimension': 'platform', 'value': platform, 'stratum': stratum},
                {'dimension': 'model', 'value': model, 'stratum': stratum},
                {'dimension': 'group', 'value': "group", 'stratum': stratum},
                {'dimension': 'channel', 'value': channel, 'stratum': stratum},
                {'dimension': 'hour', 'value': hour, 'stratum': stratum},
                {'dimension': 'gateway_version', 'value': gateway_version, 'stratum': stratum}
            ]
            || if(
                (select max(submit_time) - min(submit_time) from chosen) >= interval 13 days,
                [{'dimension': 'weekday', 'value': weekday, 'stratum': hash(source, action, week)}],
                []
            )
            || if(
                has_payload,
                [
                    {'dimension': 'template_id', 'value': template_id, 'stratum': stratum},
                    {'dimension': 'file_type', 'value': file_type, 'stratum': stratum},
                    {'dimension': 'video_aspect_ratio', 'value': video_aspect_ratio, 'stratum': stratum},
                    {'dimension': 'primary_play_type', 'value': primary_play_type, 'stratum': stratum},
                    {'dimension': 'pt_count', 'value': pt_count, 'stratum': stratum},
                    {'dimension': 'input_kind', 'value': input_kind, 'stratum': stratum},
                    {'dimension': 'voice_engine_id', 'value': voice_engine_id, 'stratum': stratum},
                    {'dimension': 'lan', 'value': lan, 'stratum': stratum},
                    {'dimension': 'text_length', 'value': text_length, 'stratum': stratum}
                ],
                []
            ),
            recursive := true
        ),
        failed,
        succeeded_in as latency_seconds,
    from counted
),

cells as (
    select
        dimension,
        value,
        stratum,
        count(*) as n,
        sum(failed) as failed,
        count(latency_seconds) as m,
        sum(ln(latency_seconds)) as logs,
        sum(ln(latency_seconds) ** 2) as log_squares,
    from listed
    group by dimension, value, stratum
),

-- Each cell with the totals of its stratum (`all_…`).
beside as (
    select
        cells.*,
        sum(n) over whole as all_n,
        sum(failed) over whole as all_failed,
        sum(m) over whole as all_m,
        sum(logs) over whole as all_logs,
        sum(log_squares) over whole as all_squares,
    from cells
    window whole as (partition by dimension, stratum)
),

-- Per value: Mantel-Haenszel's sums, and the permutation tests' sum, expectation and variance.
summed as (
    select
        dimension,
        value,
        sum(n) as n,
        sum(failed) as failed,
        sum(n * (all_n - n) / all_n * all_failed * (all_n - all_failed) / all_n / nullif(all_n - 1, 0))
            as failed_variance,
        sum(n * all_failed / all_n - greatest(0, n + all_failed - all_n)) as room_below,
        sum(least(n, all_failed) - n * all_failed / all_n) as room_above,
        sum(n * (all_n - n) / all_n) as failed_weight,
        sum((failed * (all_n - n) - (all_failed - failed) * n) / all_n) as risk_sum,
        sum(
            (
                failed * (n - failed) * (all_n - n) ** 3
                + (all_failed - failed) * (all_n - n - all_failed + failed) * n ** 3
            )
            / nullif(n * (all_n - n) * all_n * all_n, 0)
        ) as risk_variance,
        sum(m) as m,
        sum(all_m - m) filter (where m > 0) as others_m,
        sum(m * (all_m - m) / nullif(all_m, 0)) as log_weight,
        sum((logs * (all_m - m) - (all_logs - logs) * m) / nullif(all_m, 0)) as log_sum,
        sum(
            m * (all_m - m) / nullif(all_m, 0)
            -- If all latencies are equal, rounding may give less than 0.
            * greatest(all_squares - all_logs * all_logs / nullif(all_m, 0), 0) / nullif(all_m - 1, 0)
        ) as log_variance,
    from beside
    group by dimension, value
),

-- Only for dimensions that have rows: sorting the latencies of all dimensions would take a fifth of the macro's time.
quantiles as (
    select
        dimension,
        value,
        list_sort(list(latency_seconds) filter (where latency_seconds is not null)) as sorted,
    from listed
    where dimension in (select dimension from summed group by dimension having count(*) > 1)
    group by dimension, value
),

tested as (
    select
        *,
        count(*) over (partition by dimension) as values_of_dimension,
        sum(n) over (partition by dimension) as all_n,
        case when room_below >= 5 and room_above >= 5 then
            two_sided_p(greatest(0, abs(risk_sum) - 0.5) / sqrt(failed_variance))
        end as failure_p_value,
        case when m >= 20 and others_m >= 20 then two_sided_p(log_sum / nullif(sqrt(log_variance), 0)) end as latency_p_value,
    from summed
),

-- Benjamini and Hochberg over the tests of both kinds: the p-value times their number divided by its rank, and at most
-- the value of any larger p-value.
corrected as (
    select
        dimension,
        value,
        kind,
        min(p * looked_at / position) over (order by p desc range unbounded preceding) as q,
    from (
        select
            dimension,
            value,
            kind,
            p,
            count(*) over () as looked_at,
            count(*) over (order by p range unbounded preceding) as position,
        from (
            select dimension, value, unnest(['failure', 'latency']) as kind, unnest([failure_p_value, latency_p_value]) as p
            from tested
            where values_of_dimension > 1
        )
        where p is not null
    )
),

q_values as (
    select
        dimension,
        value,
        max(q) filter (where kind = 'failure') as failure_q_value,
        max(q) filter (where kind = 'latency') as latency_q_value,
    from corrected
    group by dimension, value
),

-- The ends of a 95% interval of a quantile, by the binomial distribution of its rank.
placed as (
    select
        tested.*,
        quantiles.sorted,
        if(m >= 20, 1.959963984540054 * sqrt(0.25 / m), null) as reach_50,
        if(m >= 20, 1.959963984540054 * sqrt(0.0475 / m), null) as reach_95,
        1.959963984540054::double as z,
        z * sqrt(failed * (n - failed) / n + z * z / 4) + z * z / 2 as reach,
    from tested
    inner join quantiles
        on tested.dimension = quantiles.dimension and tested.value is not distinct from quantiles.value
    where values_of_dimension > 1
)

select
    placed.dimension,
    placed.value,
    placed.n,
    placed.n / placed.all_n as share,
    placed.failed::bigint as failed,
    failed / n as failure_rate,
    failed * failed / n / (failed + reach) as failure_rate_low,
    1 - (n - failed) * (n - failed) / n / (n - failed + reach) as failure_rate_high,
    quantile_at(sorted, 0.5) as p50_seconds,
    quantile_at(sorted, 0.5 - reach_50) as p50_seconds_low,
    quantile_at(sorted, 0.5 + reach_50) as p50_seconds_high,
    quantile_at(sorted, 0.95) as p95_seconds,
    quantile_at(sorted, 0.95 - reach_95) as p95_seconds_low,
    quantile_at(sorted, 0.95 + reach_95) as p95_seconds_high,
    risk_sum / nullif(failed_weight, 0) as failure_effect,
    failure_effect - z * sqrt(risk_variance) / nullif(failed_weight, 0) as failure_effect_low,
    failure_effect + z * sqrt(risk_variance) / nullif(failed_weight, 0) as failure_effect_high,
    placed.failure_p_value,
    q_values.failure_q_value,
    exp(log_sum / nullif(log_weight, 0)) as latency_effect,
    latency_effect * exp(-z * sqrt(log_variance) / nullif(log_weight, 0)) as latency_effect_low,
    latency_effect * exp(z * sqrt(log_variance) / nullif(log_weight, 0)) as latency_effect_high,
    placed.latency_p_value,
    q_values.latency_q_value,
    coalesce(failure_q_value <= 0.03, false) or coalesce(latency_q_value <= 0.03, false) as is_clear,
from placed
left join q_values
    on placed.dimension = q_values.dimension and placed.value is not distinct from q_values.value
order by least(failure_q_value, latency_q_value) nulls last, placed.dimension, placed.value;
