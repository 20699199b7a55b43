-- The parameters follow their work: where a payload of this load won, its elements replace those that stood here.
create or replace temp table won as
select source, task_id, observed_at, body_hash, run_id
from new_works
semi join works using (source, task_id, observed_at, body_hash, run_id);

delete from pt_infos
using won
where pt_infos.source = won.source and pt_infos.task_id = won.task_id;

insert into pt_infos by name
select new_pt_infos.* exclude (observed_at, body_hash, run_id)
from new_pt_infos
semi join won using (source, task_id, observed_at, body_hash, run_id);
