-- One row per bin of polling time, an hour or longer: how fast the gateway answered, and how often it did not.
--
-- bin_start: the first instant of the bin
-- requests: HTTP requests sent, including retries and rate-limited ones
-- refusals: of these, rate-limited ones
-- answers: ids polled
-- unanswered: of these, polls without a usable answer: denied, throttled, server_error, transport_error, malformed,
--   oversized
-- p50_ms, p95_ms: quantiles of the duration of an id's last attempt, in the slowest hour of the bin
create view api_over_time as
select
    to_timestamp(floor(epoch(bucket_start) / greatest(bin_seconds, 3600)) * greatest(bin_seconds, 3600)) as bin_start,
    sum(requests)::bigint as requests,
    sum(refusals)::bigint as refusals,
    sum(answers)::bigint as answers,
    sum(answers - task - missing)::bigint as unanswered,
    max(p50_ms) as p50_ms,
    max(p95_ms) as p95_ms,
from cohort.api_health_hourly
cross join filters
group by bin_start
order by bin_start;
