-- A task's chances depend on those before it, whether they are in the cohort or not.
create table failure_chance as
from published.failure_chance
semi join cohort.tasks using (source, task_id);
