-- Where a run left the ids it asked for: one row per outcome and status of the last answer about each.
--
-- $run_id
with last_answers as (
    select
        source,
        task_id,
        arg_max({'outcome': outcome, 'status': status}, {'at': observed_at, 'hash': body_hash}) as answer,
    from observations
    where run_id = $run_id
    group by all
)

select answer.outcome, answer.status, count(*) as tasks
from last_answers
group by all
order by all;
