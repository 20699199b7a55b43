-- How the ids stand, in one row.
select
    (select count(*) from (select distinct source, task_id from requests)) as accepted,
    (select count(*) from due_tasks where is_due) as due,
    (select count(*) from due_tasks) as still_asked_for,
    (select count(*) from given_up_tasks) as given_up,
    (select count(*) from stuck_tasks) as stuck,
    (select count(*) from quarantine) as answers_quarantined,
    (select count(*) from schema_drift) as schema_surprises;
