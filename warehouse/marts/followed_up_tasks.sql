-- One row per task that was followed for long enough to compare it with others: it was submitted at least three times
-- the p99 of its kind before the last answer of its source (kind: source and action; an hour if fewer than 20 of the
-- kind succeeded). Nearly all of them have ended; of younger tasks, the slow ones have not ended yet, so statistics of
-- the ended ones would leave them out. Left out are tasks of status UNKNOWN, which may or may not be running, and those
-- with an identity_conflict.
--
-- source: which gateway the task belongs to
-- task_id: the task
-- action: what the task does
-- submit_time: when the gateway accepted the task
-- event: SUCCESS or FAILURE; NULL while the task has not been seen to end
-- fail_class: the cause of a failure
-- latency_seconds: submission to end, by the gateway's clock
-- follow_up_seconds: three times the p99 of its kind, or an hour
create or replace view followed_up_tasks as
with last_heard as (
    select source, max(last_observed_at) as last_observed_at
    from tasks
    group by source
),

kinds as (
    select
        source,
        action,
        3 * quantile_cont(latency_seconds, 0.99) as follow_up_seconds,
    from tasks
    where status = 'SUCCESS' and latency_seconds is not null and not identity_conflict
    group by source, action
    having count(*) >= 20
)

select
    tasks.source,
    tasks.task_id,
    tasks.action,
    tasks.submit_time,
    case when tasks.is_terminal then tasks.status end as event,
    tasks.fail_class,
    tasks.latency_seconds,
    coalesce(kinds.follow_up_seconds, 3600) as follow_up_seconds,
from tasks
inner join last_heard on tasks.source = last_heard.source
left join kinds on tasks.source = kinds.source and tasks.action is not distinct from kinds.action
where
    not tasks.identity_conflict
    and tasks.status <> 'UNKNOWN'
    and tasks.submit_time is not null
    and epoch(last_heard.last_observed_at) - epoch(tasks.submit_time) >= coalesce(kinds.follow_up_seconds, 3600);
