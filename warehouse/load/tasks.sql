-- Let the winning answers of this load (`new_tasks`, one row per task) win over what stands here, or not; and bring what
-- all observations together say about each touched task up to date. Rows are reached by where they stand, for to look
-- for each by its key would read the whole table again. Of tasks that were answered under other ids `new_tasks` has what
-- all their answers together say (`is_resolved`, see resolved.sql).
create or replace temp table believed as
select
    touched.*,
    new_tasks.task_id is not null and (
        touched.task_row is null
        or new_tasks.is_resolved
        or row(new_tasks.is_terminal, new_tasks.observed_at, new_tasks.body_hash, new_tasks.run_id)
        > row(touched.old_is_terminal, touched.old_observed_at, touched.old_body_hash, touched.old_run_id)
    ) as is_new,
    case when is_new then new_tasks.status else touched.old_status end as status,
    case when is_new then new_tasks.is_terminal else touched.old_is_terminal end as is_terminal,
    case when is_new then new_tasks.submit_time else touched.old_submit_time end as submit_time,
from touched
left join new_tasks using (source, task_id);

delete from tasks
using believed
where believed.is_new and tasks.rowid = believed.task_row;

update tasks
set
    requested_at = believed.requested_at,
    first_asked_at = believed.first_asked_at,
    first_observed_at = believed.first_observed_at,
    last_observed_at = believed.last_observed_at,
    observation_count = believed.observation_count,
    last_running_at = believed.last_running_at,
    first_terminal_at = believed.first_terminal_at
from believed
where not believed.is_new and tasks.rowid = believed.task_row;

insert into tasks by name
select
    new_tasks.* exclude (is_resolved),
    url_expires_at(new_tasks.result_url) as result_expires_at,
    believed.requested_at,
    believed.first_asked_at,
    believed.first_observed_at,
    believed.last_observed_at,
    believed.observation_count,
    believed.last_running_at,
    believed.first_terminal_at,
from new_tasks
inner join believed using (source, task_id)
where believed.is_new;
