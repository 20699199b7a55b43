-- One row per id accepted and run that accepted it. An id is here before it is first asked for.
--
-- source: which gateway the id belongs to
-- task_id: the id
-- requested_at: when it was accepted
-- run_id: the run that accepted it
-- drawn_from: how the list was drawn that it came in, where that was said (--drawn-from): running, of the tasks running
--   then; all, without regard to how they stood; gateway, from the gateway's own list of tasks (collect --discover), which
--   has all; NULL where it was not said (see accepted_lists)
create table if not exists requests (
    source varchar,
    task_id varchar,
    requested_at timestamptz,
    run_id varchar,
    drawn_from varchar
);
