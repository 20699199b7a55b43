-- What is stuck?
-- Asked by: SRE.
select source, task_id, action, status, age_seconds, threshold_seconds, last_observed_at,
from stuck_tasks
order by age_seconds desc;
