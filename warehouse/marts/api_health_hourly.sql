-- One row per source and UTC hour in which it was asked: how the gateway's API answered, whatever it said of the
-- tasks. Answers that came in pages of its list are not among them: list_pages has those requests.
--
-- source: which gateway was asked
-- bucket_start: beginning of the hour
-- requests: HTTP requests made: first attempts, retries, and those refused for being too many
-- refusals: of these, refused for being too many and waited for
-- answers: ids asked for, each counted once whatever it took; the outcomes below add up to it
-- task: answers that held a task
-- missing: answers that the gateway knows no such task
-- denied: answers that the key may not
-- throttled: ids given up on because requests were refused for being too many
-- server_error: ids given up on because of errors of the server
-- transport_error: ids given up on because no answer came
-- malformed: answers that could not be understood
-- oversized: answers larger than allowed
-- p50_ms: median time of an id's last attempt, those without an answer included: a timeout is slow, not absent
-- p95_ms: 95th percentile of the same
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
