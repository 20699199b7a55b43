-- Is it getting slower?
-- Asked by: SRE.
select
    source,
    action,
    bucket_start,
    succeeded,
    p50_seconds,
    p95_seconds,
    p50_seconds / lag(p50_seconds) over days - 1 as p50_change,
from latency_daily
window days as (partition by source, action order by bucket_start)
order by source, action, bucket_start;
