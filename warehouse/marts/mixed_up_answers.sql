-- One row per answer that is proven to be about another task than the one polled (see competing_answers): evidence for
-- the operators of the gateway, or of the proxy in front of it.
--
-- source: which gateway was polled
-- task_id: the id that was polled
-- answered_id: the id that the answer came under; NULL if only its work is that of another task
-- answered_work_id: the id of the work inside the task, if that is another id than the one polled
-- status: the status in the answer
-- observed_at: when the answer was complete
-- run_id: the run that polled
-- request_id: the gateway's request id
-- body_hash: BLAKE2b-128 of the body, in hex
create or replace view mixed_up_answers as
select
    observations.source,
    observations.task_id,
    observations.answered_id,
    observations.answered_work_id,
    observations.status,
    observations.observed_at,
    observations.run_id,
    observations.request_id,
    observations.body_hash,
from observations
inner join competing_answers as competing
    on observations.source = competing.source
    and observations.task_id = competing.task_id
    and (observations.answered_id is null) = (competing.answered_id is null)
where
    competing.is_conflict
    and observations.outcome = 'task'
    and (
        observations.answered_id is not null
        or plain_id(observations.answered_work_id) = plain_id(competing.answered_work_id)
    );
