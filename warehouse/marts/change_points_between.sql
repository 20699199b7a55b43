-- One row per source, action and metric whose level changed in one significant step within [t0, t1):
-- change_points_between(t0, t1).
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- metric: failure_rate, or latency_seconds (of the succeeded)
-- changed_at: first instant of the hour (of submit_time) from which the new level holds
-- changed_at_low: first hour of a 95% confidence set for the change
-- changed_at_high: last hour of that set; hours later if the step is small
-- before: the level before: share of failures, or median latency of the succeeded
-- after: the level from then on: share of failures, or median latency of the succeeded
-- tasks_before: tasks counted before: those that have ended, or succeeded
-- tasks_after: tasks counted after
-- p_value: chance of a step at least this large at any hour if there is none, corrected for testing every hour
-- q_value: smallest false discovery rate at which it is significant, over all series of the call; rows have at most
--   0.05
--
-- At each hour with at least 50 tasks on either side (for failures, also 5 expected failures and 5 expected others) the
-- mean before it is compared with the mean from it on: of failures, or of the logarithm of the latency. The hour with
-- the greatest statistic is changed_at. The statistic's variance is that within the two sides; if hourly means vary
-- more than it explains, it is multiplied by that excess, so that an incident of two hours is not a step. If the tasks
-- span a week or more, the daily rhythm is subtracted first.
-- p_value: the greatest of many correlated normal statistics, Miller and Siegmund, Biometrics 38 (1982) 1011.
-- Confidence set: hours with a statistic no more than 7.35 below the greatest, Siegmund, Biometrika 75 (1988) 121 and
-- Hinkley 1970. q_value: Benjamini and Hochberg. Only followed_up_tasks are counted.
create or replace macro change_points_between(t0, t1) as table
with raw_hours as (
    select
        source,
        action,
        metric,
        to_timestamp(floor(epoch(submit_time) / 3600) * 3600) as hour,
        count(score)::double as n,
        sum(score) as total,
        sum(score * score) as squares,
    from (
        select
            source,
            action,
            submit_time,
            unnest(['failure_rate', 'latency_seconds']) as metric,
            unnest(
                [
                    (event = 'FAILURE')::double,
                    if(event = 'SUCCESS' and latency_seconds > 0, ln(latency_seconds), null)
                ]
            ) as score,
        from followed_up_tasks
        where event is not null and submit_time >= t0 and submit_time < t1
    )
    where score is not null
    group by all
),

-- Over a week or more the daily rhythm is subtracted: the mean of each hour of the day minus the overall mean.
with_rhythm as (
    select
        *,
        if(
            max(hour) over series - min(hour) over series >= interval 7 days,
            sum(total) over same_hour / sum(n) over same_hour - sum(total) over series / sum(n) over series,
            0
        ) as above_mean,
    from raw_hours
    window
        series as (partition by source, action, metric),
        same_hour as (partition by source, action, metric, epoch(hour) % 86400)
),

hourly as (
    select
        source,
        action,
        metric,
        hour,
        n,
        total - n * above_mean as total,
        squares - 2 * above_mean * total + n * above_mean ** 2 as squares,
    from with_rhythm
),

split as (
    select
        *,
        sum(n) over earlier as n_before,
        sum(total) over earlier as total_before,
        sum(n) over series as n_all,
        sum(total) over series as total_all,
        sum(squares) over series as squares_all,
        count(*) over series as hours,
        sum(total * total / n) over series as hour_squares,
    from hourly
    window
        series as (partition by source, action, metric),
        earlier as (
            partition by source, action, metric order by hour rows between unbounded preceding and 1 preceding
        )
),

-- Sums of squares: within the two sides, and of the hourly means within the two sides.
candidates as (
    select
        *,
        n_all - n_before as n_after,
        total_all - total_before as total_after,
        total_before ** 2 / n_before + (total_all - total_before) ** 2 / (n_all - n_before) as explained,
        -- If all values are equal, only a rounding error is left, perhaps a negative one: it must not become a step.
        greatest(squares_all - explained, 1e-9 * abs(squares_all)) / nullif(n_all - 2, 0) as variance,
        greatest(1, (hour_squares - explained) / nullif(hours - 2, 0) / nullif(variance, 0)) as excess,
        n_before * n_after / n_all * (total_before / n_before - total_after / n_after) ** 2
            / nullif(variance * excess, 0) as statistic,
    from split
    where
        n_before >= 50
        and n_all - n_before >= 50
        and (metric <> 'failure_rate' or least(n_before, n_all - n_before) * total_all / n_all >= 5)
        and (metric <> 'failure_rate' or least(n_before, n_all - n_before) * (1 - total_all / n_all) >= 5)
),

steps as (
    select
        source,
        action,
        metric,
        arg_max(hour, statistic) as changed_at,
        sqrt(max(statistic)) as z,
        min(hour) filter (where statistic >= greatest_statistic - 7.35) as changed_at_low,
        max(hour) filter (where statistic >= greatest_statistic - 7.35) as changed_at_high,
        min(n_before / n_all) as first_share,
        max(n_before / n_all) as last_share,
    from (select *, max(statistic) over (partition by source, action, metric) as greatest_statistic from candidates)
    group by source, action, metric
),

tested as (
    select
        *,
        case
            when z < 1 then 1
            else
                least(
                    1,
                    exp(-z * z / 2) / sqrt(2 * pi())
                    * (
                        (z - 1 / z) * ln(last_share * (1 - first_share) / (first_share * (1 - last_share)))
                        + 4 / z
                    )
                )
        end as p_value,
    from steps
),

corrected as (
    select
        *,
        min(p_value * looked_at / position) over (order by p_value desc range unbounded preceding) as q_value,
    from (
        select
            *,
            count(*) over () as looked_at,
            count(*) over (order by p_value range unbounded preceding) as position,
        from tested
    )
)

select
    corrected.source,
    corrected.action,
    corrected.metric,
    corrected.changed_at,
    corrected.changed_at_low,
    corrected.changed_at_high,
    case corrected.metric
        when 'failure_rate' then avg((event = 'FAILURE')::double) filter (where submit_time < changed_at)
        else median(latency_seconds) filter (where event = 'SUCCESS' and submit_time < changed_at)
    end as before,
    case corrected.metric
        when 'failure_rate' then avg((event = 'FAILURE')::double) filter (where submit_time >= changed_at)
        else median(latency_seconds) filter (where event = 'SUCCESS' and submit_time >= changed_at)
    end as after,
    count(*) filter (
        where submit_time < changed_at and (metric = 'failure_rate' or event = 'SUCCESS')
    ) as tasks_before,
    count(*) filter (
        where submit_time >= changed_at and (metric = 'failure_rate' or event = 'SUCCESS')
    ) as tasks_after,
    corrected.p_value,
    corrected.q_value,
from corrected
inner join followed_up_tasks as task
    on corrected.source = task.source and corrected.action is not distinct from task.action
where corrected.q_value <= 0.05 and event is not null and submit_time >= t0 and submit_time < t1
group by
    corrected.source,
    corrected.action,
    corrected.metric,
    corrected.changed_at,
    corrected.changed_at_low,
    corrected.changed_at_high,
    corrected.p_value,
    corrected.q_value;
