-- The state of the ids that a run polled, at its end: one row per outcome and status of the last answer about each id.
-- If that answer is proven to be about another task, the status is UNKNOWN.
--
-- $run_id
with last_answers as (
    select
        source,
        task_id,
        arg_max(
            {'outcome': outcome, 'status': if(mixed_up.task_id is null, observations.status, 'UNKNOWN')},
            {'at': observed_at, 'hash': body_hash}
        ) as answer,
    from observations
    left join mixed_up_answers as mixed_up using (source, task_id, observed_at, run_id, body_hash)
    where run_id = $run_id
    group by all
)

select answer.outcome, answer.status, count(*) as tasks
from last_answers
group by all
order by all;
