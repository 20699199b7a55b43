-- Update `competing_answers` for the tasks that were answered under another id, in this load or before, or that are in
-- `proven`, with an answer about another task. `disputed` has all these tasks. `new_best` has the best answer of this
-- load about each task under its own id, and the best one under other ids.
create or replace temp table disputed as
with about as (
    select source, task_id from new_best where answered_id is not null
    union
    select source, task_id from proven
    union
    select source, task_id
    from competing_answers
    semi join new_best using (source, task_id)
    union
    select source, task_id
    from competing_answers
    where is_conflict and source in (select source from other_ids_accepted)
)

select about.*, competing.task_id is not null as was_conflict,
from about
left join (select distinct source, task_id from competing_answers where is_conflict) as competing
using (source, task_id);

-- The current row of `tasks` is from an answer under the id that was polled: otherwise the task would already be in
-- `competing_answers`.
insert into competing_answers by name
select
    tasks.* exclude (
        identity_conflict,
        result_expires_at,
        requested_at,
        first_asked_at,
        first_observed_at,
        last_observed_at,
        observation_count,
        last_running_at,
        first_terminal_at
    ),
    false as is_conflict,
from tasks
semi join disputed using (source, task_id)
anti join competing_answers using (source, task_id);

create or replace temp table better as
select new_best.*, new_best.answered_id is not null and coalesce(old.is_conflict, false) as is_conflict,
from new_best
semi join disputed using (source, task_id)
left join competing_answers as old
    on new_best.source = old.source
    and new_best.task_id = old.task_id
    and (new_best.answered_id is null) = (old.answered_id is null)
where
    old.task_id is null
    or row(new_best.is_terminal, new_best.observed_at, new_best.body_hash, new_best.run_id)
    > row(old.is_terminal, old.observed_at, old.body_hash, old.run_id);

delete from competing_answers
using better
where
    competing_answers.source = better.source
    and competing_answers.task_id = better.task_id
    and (competing_answers.answered_id is null) = (better.answered_id is null);

insert into competing_answers by name
from better;

update competing_answers
set is_conflict = false
where is_conflict and source in (select source from other_ids_accepted);

update competing_answers
set is_conflict = true
from proven
where
    not competing_answers.is_conflict
    and competing_answers.source = proven.source
    and competing_answers.task_id = proven.task_id
    and (competing_answers.answered_id is null) = proven.is_own
    and (not proven.is_own or plain_id(competing_answers.answered_work_id) = proven.id);

drop table better;
drop table evidence;
drop table proven;
