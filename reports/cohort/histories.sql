-- Whether a task is stuck or was given up depends on all tasks, not only on the cohort. So it is taken from views over
-- all tasks, under the same names, as is how a list of ids was drawn and how far a kind of task was followed up
-- (of_all.py).
create view cohort.stuck_tasks as
from whole.stuck_tasks
semi join cohort.tasks using (source, task_id);

create view pooled_always.given_up_tasks as
select * replace ('all' as source),
from whole.given_up_tasks
semi join always.tasks using (source, task_id);
