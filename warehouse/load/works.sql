-- Let the winning payloads of this load (`new_works`, one row per task) win over what stands here, or not. The elements
-- of their parameters (`new_pt_infos`) follow them. They are what the parameters say and nothing else: where a payload
-- won that has the same as the one before, as nearly all have, the elements stay, and `pt_infos` is not read.
-- A task that is new has no payload yet; where all are, nothing is read.
create or replace temp table standing as
select works.source, works.task_id, works.rowid as work_row
from works
semi join (
    select new_works.source, new_works.task_id
    from new_works
    semi join (from touched where task_row is not null) as known_tasks using (source, task_id)
) as known_works using (source, task_id);

create or replace temp table won as
select
    new_works.source,
    new_works.task_id,
    new_works.observed_at,
    new_works.body_hash,
    new_works.run_id,
    old.work_row,
    old.work_row is null or old.animate_params_str is distinct from new_works.animate_params_str as has_new_params,
from new_works
left join (
    select
        standing.*,
        works.is_terminal,
        works.observed_at,
        works.body_hash,
        works.run_id,
        works.animate_params_str,
    from standing
    inner join works on works.rowid = standing.work_row
) as old
using (source, task_id)
where
    old.work_row is null
    or row(new_works.is_terminal, new_works.observed_at, new_works.body_hash, new_works.run_id)
    > row(old.is_terminal, old.observed_at, old.body_hash, old.run_id);

delete from works
using won
where works.rowid = won.work_row;

insert into works by name
select new_works.*
from new_works
semi join won using (source, task_id);

delete from pt_infos
using won
where
    won.work_row is not null
    and won.has_new_params
    and pt_infos.source = won.source
    and pt_infos.task_id = won.task_id;

insert into pt_infos by name
select new_pt_infos.* exclude (observed_at, body_hash, run_id)
from new_pt_infos
semi join (from won where has_new_params) as won_anew using (source, task_id, observed_at, body_hash, run_id);

drop table standing;
drop table won;
