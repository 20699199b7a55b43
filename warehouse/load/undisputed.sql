-- Tasks that were never answered under another id stay in `competing_answers` for as long as their work is another's.
delete from competing_answers
where
    answered_id is null
    and not is_conflict
    and (source, task_id) not in (select (source, task_id) from competing_answers where answered_id is not null);

drop table disputed;
