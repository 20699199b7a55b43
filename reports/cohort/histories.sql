-- How the list was drawn that a task came in, how far its kind was followed, and whether it is stuck or was given up
-- depend on the whole warehouse, not on the cohort of a report: these, over all tasks, replace the views of the same name.
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
