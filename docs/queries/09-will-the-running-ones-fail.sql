-- Which of the running tasks will probably fail?
-- Asked by: SRE.
select source, task_id, action, age_seconds, p_failure,
from failure_chance
order by p_failure desc nulls last, age_seconds desc
limit 20;
