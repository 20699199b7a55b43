-- One row per source and minute, from its first submission to its last event, minutes without any included: how many
-- tasks were under way. A task is under way from its submission to its end; one that has not been seen to end still
-- is. Tasks without a submit_time (works that came without their task) are left out, and those with an
-- identity_conflict. A time later than our own look that showed it cannot be right: that look counts then, as it does for
-- the end of a task without a finish_time.
--
-- source: which gateway the tasks belong to
-- minute: beginning of the minute
-- submitted: tasks submitted in it
-- ended: tasks that ended in it
-- in_flight: tasks under way when it was over
create or replace view in_flight_by_minute as
with lives as (
    select
        source,
        epoch_us(least(submit_time, first_observed_at)) // 60_000_000 as submit_minute,
        case
            when is_terminal
            then greatest(epoch_us(least(finish_time, first_terminal_at)) // 60_000_000, submit_minute)
        end as end_minute,
    from tasks
    where submit_time is not null and not identity_conflict
),

events as (
    select source, submit_minute as minute_number, 1 as submitted, 0 as ended from lives
    union all
    select source, end_minute as minute_number, 0 as submitted, 1 as ended from lives where end_minute is not null
),

busy as (
    select source, minute_number, sum(submitted) as submitted, sum(ended) as ended,
    from events
    group by all
),

every_minute as (
    select source, unnest(generate_series(min(minute_number), max(minute_number))) as minute_number,
    from busy
    group by source
)

select
    source,
    to_timestamp(minute_number * 60) as minute,
    coalesce(submitted, 0)::bigint as submitted,
    coalesce(ended, 0)::bigint as ended,
    sum(coalesce(submitted, 0) - coalesce(ended, 0))
        over (partition by source order by minute_number)::bigint as in_flight,
from every_minute
left join busy using (source, minute_number);
