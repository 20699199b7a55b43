-- The ids that this load says something about, and what the whole set of requests and observations says about each.
-- Counts and last times come from the set, never from adding to what stood before: from the observations of this load,
-- which are not in the table yet, and those in it about ids that were asked for before. Of the table only what is not
-- older than the first look at any of these has to be read: its rows are in the order of their loads, so that this
-- leaves most of a large one aside. `task_row` is where the task stands in `tasks`.
create or replace temp table known as
with ids as (
    select source, task_id from new_observations
    union
    select source, task_id from new_requests
),

asked as (
    select source, task_id, min(requested_at) as requested_at
    from new_requests
    group by all
)

select
    ids.source,
    ids.task_id,
    tasks.rowid as task_row,
    least(tasks.requested_at, pending.requested_at, asked.requested_at) as requested_at,
    least(tasks.first_asked_at, pending.first_asked_at) as first_asked_at,
from ids
left join tasks using (source, task_id)
left join pending using (source, task_id)
left join asked using (source, task_id);

set variable earliest = (select min(first_asked_at) from known);

create or replace temp table touched as
with looks as (
    select source, task_id, observed_at, outcome, status
    from new_observations
    union all
    select source, task_id, observed_at, outcome, status
    from observations
    semi join (from known where first_asked_at is not null) as asked_before using (source, task_id)
    where observed_at >= getvariable('earliest')
),

seen as (
    select
        source,
        task_id,
        min(observed_at) filter (where outcome = 'task') as first_observed_at,
        max(observed_at) filter (where outcome = 'task') as last_observed_at,
        count(*) filter (where outcome = 'task') as observation_count,
        max(observed_at) filter (where outcome = 'task' and status not in ('SUCCESS', 'FAILURE')) as last_running_at,
        min(observed_at) filter (where status in ('SUCCESS', 'FAILURE')) as first_terminal_at,
        min(observed_at) as first_asked_at,
        max(observed_at) as last_asked_at,
        count(*) as asked_count,
        count(*) filter (where outcome = 'missing') as missing_count,
        arg_max(outcome, {'at': observed_at, 'outcome': outcome}) as last_outcome,
    from looks
    group by all
)

select
    known.* exclude (first_asked_at),
    seen.* exclude (source, task_id),
from known
left join seen using (source, task_id);

drop table known;
