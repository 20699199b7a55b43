-- Remove tasks from `competing_answers` that were never answered under another id, unless the work in an answer is
-- proven to be that of another task.
delete from competing_answers
where
    answered_id is null
    and not is_conflict
    and (source, task_id) not in (select (source, task_id) from competing_answers where answered_id is not null);

drop table disputed;
