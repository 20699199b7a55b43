-- One row per id accepted whose end has not been seen: what is still to be asked, or given up.
--
-- source: which gateway the id belongs to
-- task_id: the id
-- requested_at: when it was first accepted
-- submit_time: when the gateway accepted the task; NULL when it was never seen
-- status: the status last believed; NULL when it was never seen
-- first_asked_at: when it was first asked for, whatever came; NULL when never
-- last_asked_at: when it was last asked for, whatever came; NULL when never
-- asked_count: how often it was asked for
-- missing_count: how often the gateway said it knows no such task
-- last_outcome: what came of it last; NULL when never asked
create table if not exists pending (
    source varchar,
    task_id varchar,
    requested_at timestamptz,
    submit_time timestamptz,
    status varchar,
    first_asked_at timestamptz,
    last_asked_at timestamptz,
    asked_count bigint,
    missing_count bigint,
    last_outcome varchar
);
