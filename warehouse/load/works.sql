-- Merge the best payloads of this load (`new_works`, one row per task) into `works`: each replaces the current one if
-- it wins. The elements of its parameters (`new_pt_infos`) are replaced with it. They depend only on the parameters: if
-- these did not change, as is usual, the elements stay, and `pt_infos` is not read.
--
-- A new task has no payload yet; if all are new, nothing is read. The payload of a known task usually came with its
-- winning answer, and matching times is ten times as fast as matching ids: ids are only compared if the time does not
-- match.
create or replace temp table known_works as
select affected.source, affected.task_id, affected.old_observed_at as observed_at
from affected
semi join new_works using (source, task_id)
where affected.task_row is not null;

create or replace temp table current_works as
with then_observed as (
    select works.rowid as work_row
    from works
    semi join known_works using (observed_at)
)

select works.source, works.task_id, works.rowid as work_row
from works
semi join then_observed on works.rowid = then_observed.work_row
semi join known_works using (source, task_id);

insert into current_works
select works.source, works.task_id, works.rowid as work_row
from works
semi join (from known_works anti join current_works using (source, task_id)) as not_found using (source, task_id);

create or replace temp table winning as
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
        current_works.*,
        works.answered_id,
        works.is_terminal,
        works.observed_at,
        works.body_hash,
        works.run_id,
        works.animate_params_str,
    from current_works
    inner join works on works.rowid = current_works.work_row
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
using winning
where works.rowid = winning.work_row;

insert into works by name
select new_works.* exclude (work_text), md5(work_text) as work_hash,
from new_works
semi join winning using (source, task_id);

delete from pt_infos
using winning
where
    winning.work_row is not null
    and winning.has_new_params
    and pt_infos.source = winning.source
    and pt_infos.task_id = winning.task_id;

insert into pt_infos by name
select new_pt_infos.* exclude (observed_at, body_hash, run_id)
from new_pt_infos
semi join (from winning where has_new_params) as changed using (source, task_id, observed_at, body_hash, run_id);

drop table known_works;
drop table current_works;
drop table winning;
