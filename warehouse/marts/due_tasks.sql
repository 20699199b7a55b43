-- One row per pending id that is still polled: what the next run will poll, and when each becomes due.
--
-- source: which gateway the id belongs to
-- task_id: the id
-- status: the current status; NULL if the task was never seen
-- age_seconds: age of the task when it was last polled: since its submit_time, else since the id was accepted; NULL if
--   it was never polled
-- last_asked_at: when it was last polled; NULL if never
-- due_at: when it becomes due: last_asked_at plus a quarter of its age, at least 15 s and at most 1 h
-- is_due: whether it is due now
create or replace view due_tasks as
from due_tasks_at(now());
