-- The checks of data_quality with failing rows, the largest share first: one row per check.
select check_name, description, checked, failing, share, example_task_id
from data_quality
where failing > 0
order by share desc, check_name;
