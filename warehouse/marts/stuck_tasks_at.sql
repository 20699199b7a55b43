-- One row per task that is still running, as of an instant, beyond three times the p99 of its kind (source and action),
-- by the latency of the tasks that succeeded: stuck_tasks_at(moment). See stuck_tasks.
--
-- source: which gateway the task belongs to
-- task_id: the task
-- action: what the task does
-- status: its last known status
-- submit_time: when the gateway accepted the task
-- age_seconds: its age at that instant, even if it is no longer polled
-- threshold_seconds: three times the p99 latency of its kind
-- last_observed_at: when it was last seen
-- seen_age_seconds: its age when it was last seen
--
-- Kinds with fewer than 20 successes have no threshold and no rows: the p99 of so few is about the longest of them. The
-- longest of 20 is beyond the true p90 with a probability of 1 - 0.9^20 = 88%, the longest of three with only 27%.
-- Left out are tasks of status UNKNOWN, which may or may not be running, and those with an identity_conflict.
create or replace macro stuck_tasks_at(moment) as table
with thresholds as (
    select
        source,
        action,
        3 * quantile_cont(latency_seconds, 0.99) as threshold_seconds,
    from tasks
    where status = 'SUCCESS' and latency_seconds is not null and not identity_conflict
    group by all
    having count(*) >= 20
)

select
    tasks.source,
    tasks.task_id,
    tasks.action,
    tasks.status,
    tasks.submit_time,
    epoch(moment::timestamptz) - epoch(tasks.submit_time) as age_seconds,
    thresholds.threshold_seconds,
    tasks.last_observed_at,
    epoch(tasks.last_observed_at) - epoch(tasks.submit_time) as seen_age_seconds,
from tasks
inner join thresholds
    on tasks.source = thresholds.source and tasks.action is not distinct from thresholds.action
where
    not tasks.is_terminal
    and tasks.status <> 'UNKNOWN'
    and not tasks.identity_conflict
    and epoch(moment::timestamptz) - epoch(tasks.submit_time) > thresholds.threshold_seconds;
