-- What will the next run poll, and when is the rest due?
-- Asked by: SRE.
select source, task_id, status, age_seconds, due_at, is_due,
from due_tasks
order by due_at, task_id
limit 50;
