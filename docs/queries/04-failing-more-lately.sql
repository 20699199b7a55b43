-- Is it failing more than chance explains lately, and in which hours?
-- Asked by: SRE.
-- Compared with the hours before, and corrected for having looked at many: `is_anomaly` is rare where nothing happened.
select
    bucket_start, source, action, n, failed, failed / nullif(n, 0) as failure_rate, expected_rate, p_value, q_value,
    is_anomaly, is_partial,
from failure_anomalies
order by is_anomaly desc, bucket_start desc, source, action
limit 48;
