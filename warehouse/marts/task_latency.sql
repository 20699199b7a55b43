-- One row per task: how it ended and how long it took, or how long it has been running: what survival analysis needs.
--
-- source: which gateway the task belongs to
-- task_id: the task
-- action: what the task does
-- submit_time: when the gateway accepted the task
-- event: SUCCESS or FAILURE; NULL while the task has not been seen to end (censored)
-- fail_class: whose fault a failure is
-- queue_seconds: submission to start; NULL when the start is unknown, which is common
-- run_seconds: start to end; NULL when the start is unknown
-- latency_seconds: submission to end, by the gateway's clock
-- provider_latency_seconds: the provider's creation to the gateway's end
-- observed_seconds: the latency if it ended, else its age when last seen; NULL when neither is known
create or replace view task_latency as
select
    source,
    task_id,
    action,
    submit_time,
    case when is_terminal then status end as event,
    fail_class,
    queue_seconds,
    run_seconds,
    latency_seconds,
    provider_latency_seconds,
    case
        when is_terminal then latency_seconds
        else greatest(epoch(last_observed_at) - epoch(submit_time), 0)
    end as observed_seconds,
from tasks;
