-- Answers of a run under other ids than it polled: one row for those that are proven to be about other tasks and one
-- for those that are not, with the first three ids as examples.
--
-- $run_id
with of_ids as (
    select
        observations.task_id,
        mixed_up.task_id is not null as is_conflict,
        min(coalesce(observations.answered_id, observations.answered_work_id)) as answered_id,
    from observations
    left join mixed_up_answers as mixed_up using (source, task_id, observed_at, run_id, body_hash)
    where
        observations.run_id = $run_id
        and observations.outcome = 'task'
        and (observations.answered_id is not null or mixed_up.task_id is not null)
    group by all
)

select
    is_conflict,
    count(*) as ids,
    min({'task_id': task_id, 'answered_id': answered_id}, 3) as examples,
from of_ids
group by is_conflict;
