-- Which tasks took longest, and how did they end?
-- Asked by: SRE.
select source, task_id, action, status, submit_time, latency_seconds, fail_reason, result_url,
from tasks
where latency_seconds is not null
order by latency_seconds desc, task_id
limit 20;
