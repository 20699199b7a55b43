-- One row per answer about an id, or error. It comes from a poll of that id, or from a page of the gateway's list
-- (`collect --discover`): then attempts and refusals are 0, elapsed_ms is NULL, and the page is in list_pages.
--
-- source: which gateway was polled
-- task_id: the id that was polled, or is in the page
-- observed_at: when the answer was complete, or the request was given up
-- segment_id: the archive segment the answer was first written to
-- run_id: the run that polled
-- outcome: task, missing, denied, throttled, server_error, transport_error, malformed or oversized
-- http_status: the HTTP status; NULL if there was no answer
-- answered_id: the id that the answer came under, if that is another than the one polled: the task_id in it, or the
--   animate_id of a work without a task; NULL if the two differ only in case or the prefix task_
-- answered_work_id: the animate_id of the work inside the task, if that is another id than the one polled
-- status: the task's status in this answer; NULL if it has no task
-- progress_pct: the task's progress in this answer, 0 to 100
-- elapsed_ms: how long the last attempt took
-- attempts: requests that counted as attempts: the first and its retries
-- refusals: further requests that were rate-limited (429, or 503 with Retry-After)
-- request_id: the gateway's request id (X-Oneapi-Request-Id), which its support needs
-- gateway_version: the gateway's version (X-New-Api-Version)
-- error: the network error, as 'kind: text'
-- message: the gateway's message in an answer without a task, its first 500 characters; NULL if there is none
-- body_hash: BLAKE2b-128 of the body, in hex; '' without a body
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
