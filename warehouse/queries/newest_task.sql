-- The task of a source that was observed last.
select task_id
from tasks
where source = $source
order by last_observed_at desc, task_id
limit 1
