-- The progress of the ids in the temp table `given`: one row. `waiting` is the number of ids that will be polled again,
-- the next of them at `next_due_at` (Unix seconds).
--
-- $source; $moment
select
    count(*) as given,
    count(*) filter (where coalesce(tasks.is_terminal, false)) as ended,
    count(*) filter (where due.task_id is not null) as waiting,
    epoch(min(due.due_at)) as next_due_at,
from given
left join (select * from tasks where source = $source) as tasks using (task_id)
left join (select * from due_tasks_at($moment) where source = $source) as due using (task_id);
