-- When will the tasks in flight be done, and how likely is each to fail?
-- Asked by: product owner.
select task_id, action, age_seconds, median_left_seconds, low_seconds, high_seconds, expected_at, p_failure,
from task_eta
order by expected_at nulls last, task_id;
