-- One row per task: how it ended and how long it took, or how long it has been running: the input of survival analysis.
-- Tasks with an identity_conflict are left out, here and so in every view of latencies, rates and outcomes.
--
-- source: which gateway the task belongs to
-- task_id: the task
-- action: what the task does
-- submit_time: when the gateway accepted the task
-- event: SUCCESS or FAILURE; NULL while the task has not been seen to end (censored)
-- fail_class: the cause of a failure
-- is_start_known: whether start_time is known; if not, the next two columns are NULL, never 0
-- queue_seconds: submission to start; NULL when the start is unknown, which is common
-- run_seconds: start to end; NULL when the start is unknown
-- latency_seconds: submission to end, by the gateway's clock
-- provider_latency_seconds: the provider's creation to the gateway's end
-- at_least_seconds: age when we last saw it running: the latency is at least this
-- at_most_seconds: age when we first saw it ended: the latency is at most this; NULL while it has not been seen to end
-- observed_seconds: the latency if it ended, else its age when last seen; NULL when neither is known, or if the status
--   is UNKNOWN, which may or may not be an end
-- entry_seconds: the age from which the task could be seen to end: its age when it was accepted, if it came in a list
--   drawn from running tasks (see accepted_lists); else 0
-- is_unknown: whether the status is UNKNOWN: neither running nor ended; such tasks are in no curve
create or replace view task_latency as
with running_lists as (
    select source, epoch_us(accepted_minute) // 60_000_000 as minute_number,
    from accepted_lists
    where drawn_from = 'running'
)

select
    tasks.source,
    task_id,
    action,
    submit_time,
    case when is_terminal then status end as event,
    fail_class,
    start_time is not null as is_start_known,
    queue_seconds,
    run_seconds,
    latency_seconds,
    provider_latency_seconds,
    -- not greatest(…, 0): DuckDB ignores NULL there, so an unknown value would become 0
    case
        when last_running_at < submit_time then 0
        else epoch(last_running_at) - epoch(submit_time)
    end as at_least_seconds,
    case
        when first_terminal_at < submit_time then 0
        else epoch(first_terminal_at) - epoch(submit_time)
    end as at_most_seconds,
    case
        when is_terminal then latency_seconds
        when status = 'UNKNOWN' then null
        when last_observed_at < submit_time then 0
        else epoch(last_observed_at) - epoch(submit_time)
    end as observed_seconds,
    case
        when running_lists.source is null or requested_at <= submit_time then 0
        else epoch(requested_at) - epoch(submit_time)
    end as entry_seconds,
    coalesce(status = 'UNKNOWN', false) as is_unknown,
from tasks
left join running_lists
    on tasks.source = running_lists.source
    and epoch_us(tasks.requested_at) // 60_000_000 = running_lists.minute_number
where not identity_conflict;
