-- The state of the ids that a run polled, at its end: one row per outcome and status of the last answer about each id.
-- If that answer is proven to be about another task, the status is UNKNOWN.
--
-- The last answers are found by sorting: where memory is short, DuckDB writes a sort to temporary files, but not what
-- `arg_max` keeps, which failed for a million ids.
--
-- $run_id
with last_answers as (
    select source, task_id, observed_at, run_id, body_hash, outcome, status
    from observations
    where run_id = $run_id
    qualify row_number() over (partition by source, task_id order by observed_at desc, body_hash desc) = 1
)

select
    last_answers.outcome,
    if(mixed_up.task_id is null, last_answers.status, 'UNKNOWN') as status,
    count(*) as tasks,
from last_answers
left join mixed_up_answers as mixed_up using (source, task_id, observed_at, run_id, body_hash)
group by all
order by all;
