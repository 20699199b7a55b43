-- One row per run.
--
-- run_id: the run
-- source: which gateway it polled
-- command: what was run: collect, demo, …
-- started_at: when it began
-- finished_at: when it ended
-- exit_code: how it ended; see Exit codes in the README
-- summary: the object that --json prints
create table if not exists runs (
    run_id varchar,
    source varchar,
    command varchar,
    started_at timestamptz,
    finished_at timestamptz,
    exit_code integer,
    summary json
);
