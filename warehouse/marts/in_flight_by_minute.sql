-- One row per source, action and minute, from the source's first submission to its last event, including minutes
-- without
-- events: how many tasks were in flight. A task is in flight from its submission to its end, or until it was given up
-- (given_up_tasks); a task that has not been seen to end is still in flight.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- minute: beginning of the minute
-- submitted: tasks submitted in it
-- ended: tasks that ended in it, by the middle estimate if the end has no time
-- given_up: tasks that were given up in it: they are no longer polled, and no longer count as in flight
-- in_flight: the same as middle
-- low: tasks in flight at the end of the minute, if every task whose end has no time ended as early as possible
-- middle: tasks in flight then, if each of those took the median time of its source and action, within its limits
-- high: tasks in flight then, if each of those ended as late as possible
--
-- A task that ended without a finish_time ended between last_running_at (or its submission, if it was never seen
-- running) and first_terminal_at. If no task of its kind has a latency, the middle estimate is halfway. A time that is
-- later than the poll that showed it must be wrong: the time of that poll is used instead. Left out are tasks without a
-- submit_time (works that came without their task), those of status UNKNOWN, which may or may not be running, and those
-- with an identity_conflict.
create or replace view in_flight_by_minute as
with kinds as (
    select source, action, (quantile_cont(latency_seconds, 0.5) * 1e6)::bigint as typical_us,
    from tasks
    where is_terminal and not identity_conflict
    group by source, action
),

given_up as (
    select
        source,
        task_id,
        if(reason = 'too_old', epoch_us(since) + (give_up_after_seconds * 1e6)::bigint, epoch_us(last_asked_at))
            as given_up_us,
    from given_up_tasks
    inner join polling_policy using (source)
),

bounded as (
    select
        tasks.source,
        tasks.action,
        tasks.is_terminal,
        kinds.typical_us,
        epoch_us(least(tasks.submit_time, tasks.first_observed_at)) as submit_us,
        case
            when not tasks.is_terminal then greatest(given_up.given_up_us, epoch_us(tasks.last_observed_at), submit_us)
            when tasks.finish_time is null then greatest(epoch_us(tasks.last_running_at), submit_us)
            else greatest(epoch_us(least(tasks.finish_time, tasks.first_terminal_at)), submit_us)
        end as early_us,
        case
            when tasks.is_terminal and tasks.finish_time is null
            then greatest(epoch_us(tasks.first_terminal_at), early_us)
            else early_us
        end as late_us,
        tasks.is_terminal or given_up.task_id is not null as has_left,
    from tasks
    left join kinds on tasks.source = kinds.source and tasks.action is not distinct from kinds.action
    left join given_up on tasks.source = given_up.source and tasks.task_id = given_up.task_id
    where tasks.submit_time is not null and tasks.status <> 'UNKNOWN' and not tasks.identity_conflict
),

lives as materialized (
    select
        source,
        action,
        is_terminal,
        has_left,
        submit_us // 60_000_000 as submit_minute,
        early_us // 60_000_000 as early_minute,
        late_us // 60_000_000 as late_minute,
        if(
            typical_us is null,
            (early_us + late_us) // 2,
            least(greatest(submit_us + typical_us, early_us), late_us)
        ) // 60_000_000 as middle_minute,
    from bounded
),

-- For a task whose end is uncertain, low and high assume other times of its end than the middle estimate.
events as (
    select source, action, submit_minute as number, 1 as submitted, 0 as ended, 0 as given_up, 0 as low, 0 as high,
    from lives
    union all
    select source, action, middle_minute as number, 0, is_terminal::integer, (not is_terminal)::integer, 1, 1,
    from lives
    where has_left
    union all
    select
        source,
        action,
        unnest([early_minute, middle_minute, late_minute]) as number,
        0,
        0,
        0,
        unnest([1, -1, 0]) as low,
        unnest([0, -1, 1]) as high,
    from lives
    where has_left and early_minute < late_minute
),

busy as (
    select
        source,
        action,
        number,
        sum(submitted) as submitted,
        sum(ended) as ended,
        sum(given_up) as given_up,
        sum(low) as low,
        sum(high) as high,
    from events
    group by source, action, number
),

every_minute as (
    select kinds.source, kinds.action, unnest(generate_series(first_number, last_number)) as number,
    from (select distinct source, action from lives) as kinds
    inner join (
        select
            source,
            min(submit_minute) as first_number,
            max(greatest(submit_minute, if(has_left, middle_minute, submit_minute))) as last_number,
        from lives
        group by source
    ) as ranges on kinds.source = ranges.source
),

running as (
    select
        every_minute.source,
        every_minute.action,
        every_minute.number,
        coalesce(busy.submitted, 0)::bigint as submitted,
        coalesce(busy.ended, 0)::bigint as ended,
        coalesce(busy.given_up, 0)::bigint as given_up,
        sum(busy.submitted - busy.low) over so_far as low,
        sum(busy.submitted - busy.ended - busy.given_up) over so_far as middle,
        sum(busy.submitted - busy.high) over so_far as high,
    from every_minute
    left join busy
        on every_minute.source = busy.source
        and every_minute.action is not distinct from busy.action
        and every_minute.number = busy.number
    window so_far as (
        partition by every_minute.source, every_minute.action order by every_minute.number rows unbounded preceding
    )
)

select
    source,
    action,
    to_timestamp(number * 60) as minute,
    submitted,
    ended,
    given_up,
    coalesce(middle, 0)::bigint as in_flight,
    coalesce(low, 0)::bigint as low,
    coalesce(middle, 0)::bigint as middle,
    coalesce(high, 0)::bigint as high,
from running;
