-- Is it failing more than chance explains lately, and in which hours?
-- Asked by: SRE.
-- Each hour is compared with the hours before it, with a correction for testing many hours: false alarms are rare.
select
    bucket_start, source, action, n, failed, failed / nullif(n, 0) as failure_rate, expected_rate, p_value, q_value,
    is_anomaly, is_partial,
from failure_anomalies
order by is_anomaly desc, bucket_start desc, source, action
limit 48;
