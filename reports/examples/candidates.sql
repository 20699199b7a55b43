-- The tasks submitted in [$t0, $t1) that failed, or that succeeded after the time within which 95% have ended.
select tasks.*
from cohort.tasks
cross join (select max(seconds) as seconds from pooled.quantiles where q = 0.95) as p95
where
    not identity_conflict
    and submit_time >= $t0::timestamptz
    and submit_time < coalesce($t1::timestamptz, 'infinity'::timestamptz)
    and (status = 'FAILURE' or (status = 'SUCCESS' and latency_seconds > seconds))
