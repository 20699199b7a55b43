-- How a list of ids was drawn, how far a kind of task was followed up, and whether a task is stuck or was given up
-- depend on all tasks, not only on the cohort. So these are taken from views over all tasks, under the same names.
create table cohort.accepted_lists as
from published.accepted_lists;

create table cohort.kind_follow_up as
from published.kind_follow_up;

create view cohort.stuck_tasks as
from whole.stuck_tasks
semi join cohort.tasks using (source, task_id);

create view pooled_always.given_up_tasks as
select * replace ('all' as source),
from whole.given_up_tasks
semi join always.tasks using (source, task_id);
