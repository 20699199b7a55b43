-- Rules that hold in every correct warehouse, but not in this one: one row per rule, with the number of rows that break
-- it.
with rules as (
    select 'one row per task' as rule, count(*) - count(distinct (source, task_id)) as against
    from tasks
    union all
    select 'one row per work', count(*) - count(distinct (source, task_id))
    from works
    union all
    select 'every answer once', count(*) - count(distinct (source, task_id, observed_at, run_id, body_hash))
    from observations
    union all
    select 'every acceptance once', count(*) - count(distinct (source, task_id, requested_at, run_id))
    from requests
    union all
    select 'every segment once', count(*) - count(distinct segment_id)
    from segments
    union all
    select 'a task has been observed', count(*)
    from tasks
    anti join observations using (source, task_id)
    union all
    select 'an id is pending until its task has ended', count(*)
    from tasks
    left join pending using (source, task_id)
    where tasks.is_terminal = (pending.task_id is not null)
    union all
    select 'every id accepted has ended, or is pending', count(*)
    from requests
    anti join tasks using (source, task_id)
    anti join pending using (source, task_id)
    union all
    select 'every source of pending ids has one polling policy', count(*)
    from (select distinct source from pending) as sources
    left join (select source, count(*) as policies from polling_policy group by source) as found using (source)
    where coalesce(policies, 0) != 1
    union all
    select 'the ends of all ids add up', count(*)
    from id_accounting
    where accepted != ended + quarantined + given_up + pending
)

select rule, against
from rules
where against != 0
order by rule;
