-- One row per range of submit_time for which a run read the gateway's list of tasks completely. The next `collect
-- --discover` that goes back that far reads the times outside such ranges.
--
-- source: the gateway whose list was read
-- action: the action that the list was filtered by; NULL for none
-- window_start: its beginning, inclusive
-- window_end: its end, inclusive
-- closed_at: when it had been read completely
-- run_id: the run that read it
-- tasks: distinct tasks in it
-- newest_submit_time: submit_time of the newest of them; NULL if there are none
create table if not exists list_windows (
    source varchar,
    action varchar,
    window_start timestamptz,
    window_end timestamptz,
    closed_at timestamptz,
    run_id varchar,
    tasks bigint,
    newest_submit_time timestamptz
);
