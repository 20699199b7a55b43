-- One row per hour, source and action of the cohort in which more tasks failed than chance explains, the latest first.
-- The columns are those of failure_anomalies.
create view failing_hours as
from cohort.failure_anomalies
where is_anomaly
order by bucket_start desc, source, action;
