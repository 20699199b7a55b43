-- The columns to show of each task in the table picked, in its order.
--
-- request_id: request id of the answer that first showed the task's end
with requested as (
    select source, task_id, arg_min(request_id, observed_at) as request_id,
    from published.observations
    semi join picked using (source, task_id)
    where status in ('SUCCESS', 'FAILURE')
    group by source, task_id
)

select
    picked.*,
    tasks.submit_time,
    tasks.latency_seconds,
    tasks.fail_reason,
    tasks.result_url,
    requested.request_id,
from picked
inner join cohort.tasks on picked.source = tasks.source and picked.task_id = tasks.task_id
left join requested on picked.source = requested.source and picked.task_id = requested.task_id
order by picked.number, picked.place;
