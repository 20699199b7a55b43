-- What belongs to the tasks of a cohort that has not all of them.
create view cohort.works as
from published.works
semi join cohort.tasks using (source, task_id);

create view cohort.pt_infos as
from published.pt_infos
semi join cohort.tasks using (source, task_id);
