-- One row per weekday and hour of submit_time in UTC, 168 in all: how busy it is, and how long the cohort's tasks take.
--
-- weekday: 1 for Monday to 7 for Sunday
-- hour: 0 to 23
-- tasks: tasks submitted then
-- succeeded: those that succeeded
-- p50_seconds: median latency of those; NULL when there is none
create view hour_by_weekday as
with counted as (
    select
        isodow(submit_time)::bigint as weekday,
        hour(submit_time)::bigint as hour,
        count(*) as tasks,
        count(*) filter (where event = 'SUCCESS') as succeeded,
        quantile_cont(latency_seconds, 0.5) filter (where event = 'SUCCESS') as p50_seconds,
    from cohort.task_latency
    where submit_time is not null
    group by all
)

select
    weekdays.weekday,
    hours.hour,
    coalesce(counted.tasks, 0) as tasks,
    coalesce(counted.succeeded, 0) as succeeded,
    counted.p50_seconds,
from (select unnest(range(1, 8)) as weekday) as weekdays
cross join (select unnest(range(24)) as hour) as hours
left join counted on weekdays.weekday = counted.weekday and hours.hour = counted.hour
order by weekdays.weekday, hours.hour;
