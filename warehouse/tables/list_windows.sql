-- One row per range of submit_time for which a run saw the gateway's list of tasks completely. Times outside such
-- ranges are read by the next `collect --discover` that goes back that far.
--
-- source: which gateway was asked
-- action: the action that the list was filtered by; NULL for none
-- window_start: its beginning, included
-- window_end: its end, included
-- closed_at: when it had been seen completely
-- run_id: the run that walked it
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
