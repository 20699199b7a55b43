-- One row per source and UTC hour in which it was polled: how the gateway's API answered, regardless of the status of
-- the tasks. Answers in pages of its list are not counted: list_pages has those requests.
--
-- source: which gateway was polled
-- bucket_start: beginning of the hour
-- requests: HTTP requests sent: first attempts, retries, and those that were rate-limited (429)
-- refusals: requests that were rate-limited and sent again
-- answers: polls of ids, each counted once regardless of its retries; the outcomes below add up to it
-- task: answers with a task
-- missing: answers that the gateway does not know the task
-- denied: answers that the key has no access
-- throttled: polls that ended without an answer because requests were rate-limited
-- server_error: polls that ended with a server error
-- transport_error: polls that ended without an answer because of a network error
-- malformed: answers that could not be understood
-- oversized: answers larger than allowed
-- p50_ms: median time of a poll's last attempt, including those without an answer, so that a timeout counts as slow
-- p95_ms: 95th percentile of that time
create or replace view api_health_hourly as
select
    source,
    to_timestamp(epoch_us(observed_at) // 3_600_000_000 * 3_600) as bucket_start,
    sum(coalesce(attempts, 0) + coalesce(refusals, 0))::bigint as requests,
    sum(coalesce(refusals, 0))::bigint as refusals,
    count(*) as answers,
    count(*) filter (where outcome = 'task') as task,
    count(*) filter (where outcome = 'missing') as missing,
    count(*) filter (where outcome = 'denied') as denied,
    count(*) filter (where outcome = 'throttled') as throttled,
    count(*) filter (where outcome = 'server_error') as server_error,
    count(*) filter (where outcome = 'transport_error') as transport_error,
    count(*) filter (where outcome = 'malformed') as malformed,
    count(*) filter (where outcome = 'oversized') as oversized,
    quantile_cont(elapsed_ms, 0.5) as p50_ms,
    quantile_cont(elapsed_ms, 0.95) as p95_ms,
from observations
where not coalesce(attempts = 0 and refusals = 0, false)
group by 1, 2;
