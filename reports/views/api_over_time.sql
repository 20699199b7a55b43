-- One row per bin of time of asking, as far as hours go: how fast the gateway answered, and how often it did not.
--
-- bin_start: the first instant of the bin
-- requests: HTTP requests made, retries and refused ones included
-- refusals: of these, refused for being too many
-- answers: ids polled
-- unanswered: of these, those that came to nothing: denied, throttled, server_error, transport_error, malformed,
--   oversized
-- p50_ms, p95_ms: quantiles of an id's last attempt, of the slowest hour in the bin
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
