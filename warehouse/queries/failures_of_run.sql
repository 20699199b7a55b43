-- Failures that this run saw first, the latest first: one row per task, at most fifty.
--
-- $run_id
select
    tasks.task_id,
    tasks.action,
    tasks.fail_class,
    tasks.fail_reason,
    round(tasks.latency_seconds, 1) as latency_seconds,
    strftime(tasks.submit_time, '%Y-%m-%d %H:%M:%S') as submit_time_utc,
from tasks
semi join (
    select source, task_id
    from observations
    anti join mixed_up_answers using (source, task_id, observed_at, run_id, body_hash)
    where run_id = $run_id and status = 'FAILURE'
) as seen using (source, task_id)
where
    tasks.status = 'FAILURE'
    and tasks.first_terminal_at >= (select started_at from runs where run_id = $run_id)
order by tasks.first_terminal_at desc, tasks.task_id
limit 50;
