-- One row per page requested from the gateway's list of tasks (`collect --discover`), and per request for many ids
-- (`FETCH`).
--
-- source: the gateway to which the request was sent
-- query: what was requested: page, time range in Unix seconds (both ends inclusive), action; or `ids=` and the ids; or
--   `probe=` and ids whose tasks are not loaded from it (`FETCH=auto` compares such answers with single ones)
-- action: the action that the list was filtered by; NULL for none
-- observed_at: when the answer was complete, or the request was given up
-- segment_id: the archive segment the page was first written to
-- run_id: the run that requested it
-- http_status: the HTTP status; NULL if there was no answer
-- items: tasks in the page, including those of other actions; NULL if the answer was not a page (an error, a web page,
--   cut short)
-- unusable_items: items without a task id that could be polled
-- total: tasks in the time range, according to the gateway; NULL for old versions, which do not give it
-- elapsed_ms: how long the last attempt took
-- attempts: requests that counted as attempts: the first and its retries
-- refusals: further requests that were rate-limited (429, or 503 with Retry-After)
-- request_id: the gateway's request id (X-Oneapi-Request-Id), which its support needs
-- gateway_version: the gateway's version (X-New-Api-Version)
-- error: the network error, as 'kind: text'
-- message: the message in an answer {"success": false}
-- body_hash: BLAKE2b-128 of the body, in hex; '' without a body
create table if not exists list_pages (
    source varchar,
    query varchar,
    action varchar,
    observed_at timestamptz,
    segment_id varchar,
    run_id varchar,
    http_status integer,
    items bigint,
    unusable_items bigint,
    total bigint,
    elapsed_ms double,
    attempts integer,
    refusals integer,
    request_id varchar,
    gateway_version varchar,
    error varchar,
    message varchar,
    body_hash varchar
);
