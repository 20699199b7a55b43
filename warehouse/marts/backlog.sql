-- One row per source and action: how many tasks are in flight, and whether their number grows: how many were submitted
-- and how many ended in the last complete hour before the last answer about the kind, and in the hour before that.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- hour_start: first instant of that hour
-- in_flight: tasks in flight at the last answer, without those given up
-- arrivals_per_hour: tasks submitted in the hour
-- arrivals_per_hour_before: tasks submitted in the hour before
-- ends_per_hour: tasks that ended in the hour; an end without a time is assumed after the median latency of the kind,
--   within the limits that our own polls set (the middle estimate of in_flight_by_minute)
-- ends_per_hour_before: tasks that ended in the hour before
-- clearing_seconds: how long it takes until all tasks in flight have ended, at the rate of the hour: in_flight /
--   ends_per_hour; NULL when none ended
-- clearing_seconds_low: lower end of its 95% interval
-- clearing_seconds_high: upper end; NULL when none ended
--
-- The interval is that of a Poisson count, by Byar's approximation (Breslow and Day, Statistical Methods in Cancer
-- Research II (1987) 69).
create or replace view backlog as
with given_up as (
    select source, task_id from given_up_tasks
),

kinds as (
    select source, action, to_microseconds((quantile_cont(latency_seconds, 0.5) * 1e6)::bigint) as typical,
    from tasks
    where is_terminal and not identity_conflict
    group by source, action
),

-- Counted in whole hours before the hour of the last answer.
timed as (
    select
        tasks.source,
        tasks.action,
        epoch_us(kind_follow_up.last_observed_at) // 3_600_000_000 as heard_hour,
        heard_hour - epoch_us(tasks.submit_time) // 3_600_000_000 as submitted_ago,
        case
            when tasks.is_terminal
            then
                heard_hour - epoch_us(
                    coalesce(
                        tasks.finish_time,
                        least(greatest(tasks.submit_time + kinds.typical, tasks.last_running_at), tasks.first_terminal_at)
                    )
                ) // 3_600_000_000
        end as ended_ago,
        not tasks.is_terminal and given_up.task_id is null as is_in_flight,
    from tasks
    inner join kind_follow_up
        on tasks.source = kind_follow_up.source and tasks.action is not distinct from kind_follow_up.action
    left join kinds on tasks.source = kinds.source and tasks.action is not distinct from kinds.action
    left join given_up on tasks.source = given_up.source and tasks.task_id = given_up.task_id
    where tasks.submit_time is not null and tasks.status <> 'UNKNOWN' and not tasks.identity_conflict
),

counted as (
    select
        source,
        action,
        to_timestamp((any_value(heard_hour) - 1) * 3600) as hour_start,
        count(*) filter (where is_in_flight) as in_flight,
        count(*) filter (where submitted_ago = 1) as arrivals_per_hour,
        count(*) filter (where submitted_ago = 2) as arrivals_per_hour_before,
        count(*) filter (where ended_ago = 1) as ends_per_hour,
        count(*) filter (where ended_ago = 2) as ends_per_hour_before,
    from timed
    group by source, action
)

select
    source,
    action,
    hour_start,
    in_flight,
    arrivals_per_hour,
    arrivals_per_hour_before,
    ends_per_hour,
    ends_per_hour_before,
    3600 * in_flight / nullif(ends_per_hour, 0) as clearing_seconds,
    3600 * in_flight
        / ((ends_per_hour + 1) * (1 - 1 / (9 * (ends_per_hour + 1)) + 1.959963984540054 / 3 / sqrt(ends_per_hour + 1)) ** 3)
        as clearing_seconds_low,
    3600 * in_flight
        / (
            nullif(ends_per_hour, 0)
            * (1 - 1 / (9 * nullif(ends_per_hour, 0)) - 1.959963984540054 / 3 / sqrt(nullif(ends_per_hour, 0))) ** 3
        ) as clearing_seconds_high,
from counted;
