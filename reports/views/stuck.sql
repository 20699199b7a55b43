-- One row per stuck task of the cohort, the oldest first, at most twenty. The columns are those of stuck_tasks.
create view stuck as
from cohort.stuck_tasks
order by age_seconds desc, task_id
limit 20;
