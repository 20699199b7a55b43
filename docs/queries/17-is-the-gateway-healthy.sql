-- Is the gateway's API healthy: which were its worst hours?
-- Asked by: SRE.
select
    source,
    bucket_start,
    requests,
    answers,
    1 - (task + missing) / answers as trouble_share,
    throttled,
    server_error,
    transport_error,
    p50_ms,
    p95_ms,
from api_health_hourly
order by trouble_share desc, p95_ms desc
limit 24;
