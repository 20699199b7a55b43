-- A task that was never answered under another id stays in `competing_answers` only while its work is proven to be that
-- of another task.
delete from competing_answers
where
    answered_id is null
    and not is_conflict
    and (source, task_id) not in (select (source, task_id) from competing_answers where answered_id is not null);

drop table disputed;
