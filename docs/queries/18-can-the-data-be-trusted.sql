-- Can the data be trusted: what is doubtful, and in how many tasks?
-- Asked by: everybody.
select check_name, description, checked, failing, share, example_task_id,
from data_quality
where failing > 0
order by share desc;
