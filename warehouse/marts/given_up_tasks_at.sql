-- One row per pending id that is no longer polled, as of an instant: given_up_tasks_at(moment). Giving the id to
-- collect again polls it once more.
--
-- source: which gateway the id belongs to
-- task_id: the id
-- status: the current status; NULL if the task was never seen
-- reason: unknown_to_gateway (the gateway said so three times: see unknown_ids) or too_old (older than GIVE_UP_AFTER)
-- since: its submit_time, else when the id was accepted
-- last_asked_at: when it was last polled
-- last_outcome: the outcome of that poll
create or replace macro given_up_tasks_at(moment) as table
select
    source,
    task_id,
    status,
    if(unknown_ids.task_id is null, 'too_old', 'unknown_to_gateway') as reason,
    coalesce(submit_time, requested_at, last_asked_at) as since,
    last_asked_at,
    last_outcome,
from pending
anti join due_tasks_at(moment) using (source, task_id)
left join unknown_ids using (source, task_id);
