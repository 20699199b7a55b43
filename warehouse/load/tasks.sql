-- Let the winning answers of this load (`new_tasks`, one row per task) win over what stands here, or not; and bring what
-- the whole set of observations says about each touched task up to date.
merge into tasks as old
using (
    select
        touched.source,
        touched.task_id,
        new_tasks.* exclude (source, task_id),
        touched.requested_at,
        touched.first_observed_at,
        touched.last_observed_at,
        touched.observation_count,
        touched.last_running_at,
        touched.first_terminal_at,
    from touched
    left join new_tasks using (source, task_id)
) as new
on old.source = new.source and old.task_id = new.task_id
when matched and
    row(new.is_terminal, new.observed_at, new.body_hash, new.run_id)
    > row(old.is_terminal, old.observed_at, old.body_hash, old.run_id)
    and new.observed_at is not null
then update by name
when matched then update set
    requested_at = new.requested_at,
    first_observed_at = new.first_observed_at,
    last_observed_at = new.last_observed_at,
    observation_count = new.observation_count,
    last_running_at = new.last_running_at,
    first_terminal_at = new.first_terminal_at
when not matched and new.observed_at is not null then insert by name;
