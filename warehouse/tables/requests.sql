-- One row per id and run that accepted it. An id is here before it is first polled.
--
-- source: which gateway the id belongs to
-- task_id: the id
-- requested_at: when it was accepted
-- run_id: the run that accepted it
-- drawn_from: how the ids of its list were selected, if that is known (--drawn-from): running, from the tasks that were
--   running then; all, regardless of their status; gateway, from the gateway's own list of tasks (collect --discover),
--   which has all; NULL if it is not known (see accepted_lists)
create table if not exists requests (
    source varchar,
    task_id varchar,
    requested_at timestamptz,
    run_id varchar,
    drawn_from varchar
);
