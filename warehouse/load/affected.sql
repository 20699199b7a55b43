-- The ids affected by this load, with their values from all requests and observations: the current rows in `tasks` and
-- `pending`, merged with the new rows. The growing table `observations` is not read for that: a first time is the
-- lesser of two values, a last time the greater, and counts can be added, because no answer is loaded twice (see
-- `fresh`). The number of polls is not kept for a task that has ended: its row in `pending` is deleted.
--
-- `task_row` is the rowid in `tasks`, `old_…` are the current values there. For 10,000 ids among millions, comparing
-- ids takes most of the time; so only ids are matched, and the other columns are fetched by rowid. An id that is
-- pending without a status was never seen, so it has no row in `tasks`: if that is true of all ids, as when new ids get
-- their first answer, `tasks` is not read.
create or replace temp table ids as
select source, task_id from new_observations
union
select source, task_id from new_requests
union
select source, task_id from new_tasks;

create or replace temp table waiting as
select pending.*
from pending
semi join ids using (source, task_id);

create or replace temp table matched as
with perhaps_known as (
    select source, task_id
    from ids
    anti join (select source, task_id from waiting where status is null) as unseen using (source, task_id)
),

known as (
    select tasks.source, tasks.task_id, tasks.rowid as task_row
    from tasks
    inner join perhaps_known using (source, task_id)
)

select ids.source, ids.task_id, known.task_row
from ids
left join known using (source, task_id);

drop table ids;

create or replace temp table affected as
with asked as (
    select source, task_id, min(requested_at) as requested_at
    from new_requests
    group by all
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
    from new_observations
    group by all
),

old as (
    select matched.source, matched.task_id, tasks.* exclude (source, task_id)
    from matched
    inner join tasks on tasks.rowid = matched.task_row
)

select
    matched.source,
    matched.task_id,
    matched.task_row,
    old.status as old_status,
    old.is_terminal as old_is_terminal,
    old.submit_time as old_submit_time,
    old.observed_at as old_observed_at,
    old.body_hash as old_body_hash,
    old.run_id as old_run_id,
    least(old.requested_at, waiting.requested_at, asked.requested_at) as requested_at,
    least(old.first_asked_at, waiting.first_asked_at, seen.first_asked_at) as first_asked_at,
    least(old.first_observed_at, seen.first_observed_at) as first_observed_at,
    greatest(old.last_observed_at, seen.last_observed_at) as last_observed_at,
    coalesce(old.observation_count, 0) + coalesce(seen.observation_count, 0) as observation_count,
    greatest(old.last_running_at, seen.last_running_at) as last_running_at,
    least(old.first_terminal_at, seen.first_terminal_at) as first_terminal_at,
    greatest(waiting.last_asked_at, seen.last_asked_at) as last_asked_at,
    coalesce(waiting.asked_count, 0) + coalesce(seen.asked_count, 0) as asked_count,
    coalesce(waiting.missing_count, 0) + coalesce(seen.missing_count, 0) as missing_count,
    case
        when waiting.last_asked_at is null then seen.last_outcome
        when seen.last_asked_at is null then waiting.last_outcome
        when row(seen.last_asked_at, seen.last_outcome) > row(waiting.last_asked_at, waiting.last_outcome)
            then seen.last_outcome
        else waiting.last_outcome
    end as last_outcome,
from matched
left join old using (source, task_id)
left join waiting using (source, task_id)
left join asked using (source, task_id)
left join seen using (source, task_id);

drop table matched;
drop table waiting;
