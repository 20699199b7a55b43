-- Let the winning payloads of this load (`new_works`, one row per task) win over what stands here, or not. The elements
-- of their parameters (`new_pt_infos`) follow them. They are what the parameters say and nothing else: where a payload
-- won that has the same as the one before, as nearly all have, the elements stay, and `pt_infos` is not read.
--
-- A task that is new has no payload yet; where all are, nothing is read. The payload of a known one came with the answer
-- that is believed, as a rule, and times are read ten times as fast as ids: only what is not found by them is by its id.
create or replace temp table known_works as
select touched.source, touched.task_id, touched.old_observed_at as observed_at
from touched
semi join new_works using (source, task_id)
where touched.task_row is not null;

create or replace temp table standing as
with then_observed as (
    select works.rowid as work_row
    from works
    semi join known_works using (observed_at)
)

select works.source, works.task_id, works.rowid as work_row
from works
semi join then_observed on works.rowid = then_observed.work_row
semi join known_works using (source, task_id);

insert into standing
select works.source, works.task_id, works.rowid as work_row
from works
semi join (from known_works anti join standing using (source, task_id)) as not_found using (source, task_id);

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
        works.answered_id,
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
    or row(
        new_works.answered_id is null,
        new_works.is_terminal,
        new_works.observed_at,
        new_works.body_hash,
        new_works.run_id
    )
    > row(old.answered_id is null, old.is_terminal, old.observed_at, old.body_hash, old.run_id);

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

drop table known_works;
drop table standing;
drop table won;
