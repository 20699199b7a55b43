-- Counts of ids and tasks, in one row. Each accepted id has either ended or is pending, so both can be counted without
-- reading `requests`.
--
-- $now: as of when
select
    (select count(*) from tasks where is_terminal and requested_at is not null)
        + (select count(*) from pending where requested_at is not null) as accepted,
    (select count(*) from due_tasks_at($now) where is_due) as due,
    (select count(*) from due_tasks_at($now)) as still_asked_for,
    (select count(*) from given_up_tasks_at($now)) as given_up,
    (select count(*) from stuck_tasks_at($now)) as stuck,
    (select count(*) from tasks where identity_conflict) as identity_conflicts,
    (select count(*) from quarantine) as answers_quarantined,
    (select count(*) from schema_drift) as schema_surprises;
