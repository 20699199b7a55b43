-- What is known about the tasks in the lists $sources and $task_ids (equal positions are a pair): one row per task.
with chosen as (
    select unnest($sources::varchar[]) as source, unnest($task_ids::varchar[]) as task_id
),

polls as (
    select
        source,
        task_id,
        string_agg(request_id, ' ' order by observed_at, request_id) as poll_request_ids,
        arg_min(request_id, observed_at) filter (where status in ('SUCCESS', 'FAILURE')) as end_poll_request_id,
    from observations
    semi join chosen using (source, task_id)
    group by source, task_id
),

missed as (
    select source, task_id, string_agg(objective, ', ' order by objective) as objectives_missed
    from slo_tasks
    semi join chosen using (source, task_id)
    where verdict = 'missed'
    group by source, task_id
)

select
    tasks.source,
    tasks.task_id,
    works.animate_id as provider_task_id,
    tasks.action,
    tasks.platform,
    tasks.model,
    tasks.status,
    tasks.fail_reason as reason,
    tasks.fail_class,
    tasks.fail_rule,
    claims.rule as claim_rule,
    tasks.quota,
    claims.amount as claim_amount,
    claims.currency as claim_currency,
    missed.objectives_missed,
    tasks.submit_time as gateway_submit_time,
    tasks.start_time as gateway_start_time,
    tasks.finish_time as gateway_finish_time,
    tasks.latency_seconds,
    works.create_time as provider_create_time,
    tasks.first_observed_at as first_polled_at,
    tasks.last_running_at as last_polled_running_at,
    tasks.first_terminal_at as first_polled_ended_at,
    tasks.observation_count as polls,
    polls.end_poll_request_id,
    polls.poll_request_ids,
    tasks.result_url,
from tasks
semi join chosen on tasks.source = chosen.source and tasks.task_id = chosen.task_id
left join works on tasks.source = works.source and tasks.task_id = works.task_id
left join polls on tasks.source = polls.source and tasks.task_id = polls.task_id
left join missed on tasks.source = missed.source and tasks.task_id = missed.task_id
left join refund_claims as claims on tasks.source = claims.source and tasks.task_id = claims.task_id
order by tasks.submit_time, tasks.source, tasks.task_id;
