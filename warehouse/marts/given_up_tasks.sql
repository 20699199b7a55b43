-- One row per pending id that is no longer polled. Giving the id to collect again polls it once more.
--
-- source: which gateway the id belongs to
-- task_id: the id
-- status: the current status; NULL if the task was never seen
-- reason: unknown_to_gateway (the gateway said so three times: see unknown_ids) or too_old (older than GIVE_UP_AFTER)
-- since: its submit_time, else when the id was accepted
-- last_asked_at: when it was last polled
-- last_outcome: the outcome of that poll
create or replace view given_up_tasks as
from given_up_tasks_at(now());
