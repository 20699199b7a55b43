-- Merge the best answers of this load (`new_tasks`, one row per task) into `tasks`: each replaces the current row if it
-- wins. Firsts, lasts and counts are updated for every affected task. Rows are addressed by rowid, because a lookup by key
-- would read the whole table again. For tasks that were answered under other ids `new_tasks` has the result of all their
-- answers (`is_resolved`, see resolved.sql).
create or replace temp table winner as
select
    affected.*,
    new_tasks.task_id is not null and (
        affected.task_row is null
        or new_tasks.is_resolved
        or row(new_tasks.is_terminal, new_tasks.observed_at, new_tasks.body_hash, new_tasks.run_id)
        > row(affected.old_is_terminal, affected.old_observed_at, affected.old_body_hash, affected.old_run_id)
    ) as is_new,
    case when is_new then new_tasks.status else affected.old_status end as status,
    case when is_new then new_tasks.is_terminal else affected.old_is_terminal end as is_terminal,
    case when is_new then new_tasks.submit_time else affected.old_submit_time end as submit_time,
from affected
left join new_tasks using (source, task_id);

delete from tasks
using winner
where winner.is_new and tasks.rowid = winner.task_row;

update tasks
set
    requested_at = winner.requested_at,
    first_asked_at = winner.first_asked_at,
    first_observed_at = winner.first_observed_at,
    last_observed_at = winner.last_observed_at,
    observation_count = winner.observation_count,
    last_running_at = winner.last_running_at,
    first_terminal_at = winner.first_terminal_at
from winner
where not winner.is_new and tasks.rowid = winner.task_row;

insert into tasks by name
select
    new_tasks.* exclude (is_resolved),
    url_expires_at(new_tasks.result_url) as result_expires_at,
    winner.requested_at,
    winner.first_asked_at,
    winner.first_observed_at,
    winner.last_observed_at,
    winner.observation_count,
    winner.last_running_at,
    winner.first_terminal_at,
from new_tasks
inner join winner using (source, task_id)
where winner.is_new;
