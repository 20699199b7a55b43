-- One row per task that is still running beyond three times the p99 of its kind (source and action), by the latency of
-- the tasks that succeeded. Its age is now, not at the last poll: a task that is no longer polled is here, too.
--
-- source: which gateway the task belongs to
-- task_id: the task
-- action: what the task does
-- status: its last known status
-- submit_time: when the gateway accepted the task
-- age_seconds: its age now
-- threshold_seconds: three times the p99 latency of its kind
-- last_observed_at: when it was last seen; if that is long ago, the task is no longer polled
-- seen_age_seconds: its age when it was last seen
--
-- See stuck_tasks_at for what is left out.
create or replace view stuck_tasks as
from stuck_tasks_at(now());
