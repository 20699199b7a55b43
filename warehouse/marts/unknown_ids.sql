-- One row per pending id for which the gateway answered at least missing_limit times (polling_policy of its source)
-- that it does not know the task. Answers in the hours of missing_storms, and in the hours next to them, do not count.
--
-- source: which gateway the id belongs to
-- task_id: the id
-- missing_count: how often it answered this, outside those hours
create or replace view unknown_ids as
with often_missing as (
    select pending.source, pending.task_id, pending.missing_count, polling_policy.missing_limit,
    from pending
    inner join polling_policy using (source)
    where pending.missing_count >= polling_policy.missing_limit
),

stormy_hours as (
    select distinct source, unnest([-1, 0, 1]) + epoch_us(hour_start) // 3_600_000_000 as hour_number,
    from missing_storms
),

missing as (
    select source, task_id, epoch_us(observed_at) // 3_600_000_000 as hour_number,
    from observations
    where outcome = 'missing'
),

in_storms as (
    select source, task_id, count(*) as storm_count,
    from missing
    semi join stormy_hours using (source, hour_number)
    semi join often_missing using (source, task_id)
    group by source, task_id
)

select source, task_id, missing_count - coalesce(storm_count, 0) as missing_count,
from often_missing
left join in_storms using (source, task_id)
where missing_count - coalesce(storm_count, 0) >= missing_limit;
