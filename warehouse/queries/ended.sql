-- How many ids of the temp table `given` are known to have ended: one row.
--
-- $source
select count(*) as ended
from given
semi join (select task_id from tasks where source = $source and is_terminal) as ended using (task_id);
