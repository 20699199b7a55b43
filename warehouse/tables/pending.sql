-- One row per accepted id whose end has not been seen: still polled, or given up.
--
-- source: which gateway the id belongs to
-- task_id: the id
-- requested_at: when it was first accepted
-- submit_time: when the gateway accepted the task; NULL if it was never seen
-- status: the current status; NULL if it was never seen
-- first_asked_at: when it was first polled, with any outcome; NULL if never
-- last_asked_at: when it was last polled, with any outcome; NULL if never
-- asked_count: how often it was polled
-- missing_count: how often the gateway answered that it does not know the task
-- last_outcome: the outcome of the last poll; NULL if never polled
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
