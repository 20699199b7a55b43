-- The works and parts of the cohort's tasks, if the cohort does not contain all tasks.
create view cohort.works as
from published.works
semi join cohort.tasks using (source, task_id);

create view cohort.pt_infos as
from published.pt_infos
semi join cohort.tasks using (source, task_id);
