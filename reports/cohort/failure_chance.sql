-- The chance to fail is estimated from earlier tasks, also from those outside the cohort, so it is not computed again.
create table failure_chance as
from whole.failure_chance
semi join cohort.tasks using (source, task_id);
