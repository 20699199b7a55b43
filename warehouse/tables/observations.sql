-- One row per answer of the gateway, whatever it was.
--
-- source: which gateway was asked
-- task_id: the id that was asked for
-- observed_at: when the answer was complete, or given up
-- segment_id: the archive segment the answer was first written to
-- run_id: the run that asked
-- outcome: task, missing, denied, throttled, server_error, transport_error, malformed or oversized
-- http_status: the HTTP status; NULL when no answer came
-- answered_id: the id that the answer came under, where that is another than was polled: its task's task_id, or the
--   animate_id of a work without a task; NULL where it is the same but for case and the prefix task_
-- answered_work_id: the animate_id of the work inside the task, where that is another id than was polled
-- status: the task's status in this answer; NULL when it held no task
-- progress_pct: the task's progress in this answer, 0 to 100
-- elapsed_ms: how long the last attempt took
-- attempts: requests that counted as attempts: the first and its retries
-- refusals: further requests that were refused for being too many, and waited for
-- request_id: the gateway's request id (X-Oneapi-Request-Id): what its support asks for
-- gateway_version: the gateway's version (X-New-Api-Version)
-- error: what went wrong on the wire, as 'kind: text'
-- message: what the gateway said in an answer without a task, its first 500 characters; NULL when it said nothing
-- body_hash: BLAKE2b-128 of the body, in hex; '' when none came
create table if not exists observations (
    source varchar,
    task_id varchar,
    observed_at timestamptz,
    segment_id varchar,
    run_id varchar,
    outcome varchar,
    http_status integer,
    answered_id varchar,
    answered_work_id varchar,
    status varchar,
    progress_pct double,
    elapsed_ms double,
    attempts integer,
    refusals integer,
    request_id varchar,
    gateway_version varchar,
    error varchar,
    message varchar,
    body_hash varchar
);
