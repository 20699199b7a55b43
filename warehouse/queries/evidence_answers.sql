-- The answers about the tasks in the lists $sources and $task_ids (equal positions are a pair): one row per poll.
with chosen as (
    select unnest($sources::varchar[]) as source, unnest($task_ids::varchar[]) as task_id
)

select
    source,
    task_id,
    observed_at as polled_at,
    outcome,
    http_status,
    status,
    request_id as poll_request_id,
    gateway_version,
    error,
    message,
    body_hash,
    segment_id,
    run_id,
from observations
semi join chosen using (source, task_id)
order by source, task_id, observed_at, run_id;
