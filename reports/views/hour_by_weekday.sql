-- One row per weekday and hour of submit_time in the page's time zone, 168 in all: how many of the cohort's tasks were
-- submitted, and how long they took.
--
-- weekday: 1 for Monday to 7 for Sunday
-- hour: 0 to 23
-- tasks: tasks submitted then
-- succeeded: those that succeeded
-- p50_seconds: median latency of those; NULL if there are none
-- weeks: number of whole weeks, back from the last hour with a submission
-- weekly_tasks: average number of tasks submitted then per whole week; NULL if there is no whole week
-- is_busy: whether clearly more than 1/168 of the tasks of the whole weeks were submitted then; needs two whole weeks
-- is_slow: whether clearly more of its successes than of the others took longer than the median of all; needs two whole
--   weeks and five successes
--
-- is_busy and is_slow use the exact binomial tail, corrected for testing 168 hours (Benjamini and Hochberg), at 0.05.
create view hour_by_weekday as
with range_of as (
    select
        max(floor(epoch(submit_time) / 3600)) + 1 as end_hour,
        floor((end_hour - min(floor(epoch(submit_time) / 3600))) / 168)::bigint as weeks,
        quantile_cont(latency_seconds, 0.5) filter (where event = 'SUCCESS') as median_seconds,
    from cohort.task_latency
),

counted as (
    select
        -- 1970 began on a Thursday.
        ((local_seconds(submit_time) // 86400 + 3) % 7 + 1)::bigint as weekday,
        (local_seconds(submit_time) // 3600 % 24)::bigint as hour,
        count(*) as tasks,
        count(*) filter (where event = 'SUCCESS') as succeeded,
        quantile_cont(latency_seconds, 0.5) filter (where event = 'SUCCESS') as p50_seconds,
        count(*) filter (where floor(epoch(submit_time) / 3600) >= end_hour - 168 * weeks) as tasks_in_weeks,
        count(latency_seconds) filter (where event = 'SUCCESS') as timed,
        count(*) filter (where event = 'SUCCESS' and latency_seconds > median_seconds) as slow,
    from cohort.task_latency
    cross join range_of
    where submit_time is not null
    group by all
),

whole as (
    select
        hours.weekday,
        hours.hour,
        coalesce(counted.tasks, 0) as tasks,
        coalesce(counted.succeeded, 0) as succeeded,
        counted.p50_seconds,
        coalesce(range_of.weeks, 0) as weeks,
        coalesce(tasks_in_weeks, 0) / nullif(range_of.weeks, 0) as weekly_tasks,
        if(range_of.weeks >= 2, cohort.binomial_tail(coalesce(tasks_in_weeks, 0), sum(tasks_in_weeks) over (), 1 / 168), null)
            as busy_p,
        if(
            range_of.weeks >= 2 and timed >= 5,
            cohort.binomial_tail(slow, timed, (sum(slow) over () - slow + 0.5) / (sum(timed) over () - timed + 1)),
            null
        ) as slow_p,
    from (select unnest(range(1, 8)) as weekday, range(24) as hours) as weekdays
    cross join lateral (select weekdays.weekday, unnest(weekdays.hours) as hour) as hours
    cross join range_of
    left join counted on hours.weekday = counted.weekday and hours.hour = counted.hour
),

scaled as (
    select
        *,
        busy_p * count(busy_p) over () / row_number() over (order by busy_p nulls last) as busy_scaled,
        slow_p * count(slow_p) over () / row_number() over (order by slow_p nulls last) as slow_scaled,
    from whole
)

select
    weekday,
    hour,
    tasks,
    succeeded,
    p50_seconds,
    weeks,
    weekly_tasks,
    busy_p is not null and min(busy_scaled) over (order by busy_p desc nulls first) <= 0.05 as is_busy,
    slow_p is not null and min(slow_scaled) over (order by slow_p desc nulls first) <= 0.05 as is_slow,
from scaled
order by weekday, hour;
