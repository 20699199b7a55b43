-- Recompute, from all observations, the values in `affected` of tasks in `resolved` with an answer that is, or was,
-- proven to be about another task: the end in that answer may not count, and the number of polls may have been deleted
-- with the row in `pending`. Answers about other tasks count as polls; they count as observations of the task only if
-- it has no others.
create or replace temp table recounted as
with of_them as (
    select
        observations.source,
        observations.task_id,
        observations.observed_at,
        observations.outcome,
        observations.outcome = 'task' as is_task,
        mixed_up.task_id is null as is_sound,
        observations.status in ('SUCCESS', 'FAILURE') as is_end,
    from observations
    semi join (from resolved where is_recounted) as those using (source, task_id)
    left join mixed_up_answers as mixed_up using (source, task_id, observed_at, run_id, body_hash)
)

select
    source,
    task_id,
    coalesce(
        min(observed_at) filter (where is_task and is_sound), min(observed_at) filter (where is_task)
    ) as first_observed_at,
    coalesce(
        max(observed_at) filter (where is_task and is_sound), max(observed_at) filter (where is_task)
    ) as last_observed_at,
    coalesce(nullif(count(*) filter (where is_task and is_sound), 0), count(*) filter (where is_task))
        as observation_count,
    max(observed_at) filter (where is_task and is_sound and not is_end) as last_running_at,
    min(observed_at) filter (where is_task and is_sound and is_end) as first_terminal_at,
    min(observed_at) as first_asked_at,
    max(observed_at) as last_asked_at,
    count(*) as asked_count,
    count(*) filter (where outcome = 'missing') as missing_count,
    arg_max(outcome, {'at': observed_at, 'outcome': outcome}) as last_outcome,
from of_them
group by source, task_id;

update affected
set
    first_observed_at = recounted.first_observed_at,
    last_observed_at = recounted.last_observed_at,
    observation_count = recounted.observation_count,
    last_running_at = recounted.last_running_at,
    first_terminal_at = recounted.first_terminal_at,
    first_asked_at = recounted.first_asked_at,
    last_asked_at = recounted.last_asked_at,
    asked_count = recounted.asked_count,
    missing_count = recounted.missing_count,
    last_outcome = recounted.last_outcome,
from recounted
where affected.source = recounted.source and affected.task_id = recounted.task_id;

drop table recounted;
