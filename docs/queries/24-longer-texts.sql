-- Do longer texts take longer?
-- Asked by: product owner.
select
    length(pt_infos.context) // 20 * 20 as characters_from,
    count(*) as tasks,
    quantile_cont(task_latency.latency_seconds, 0.5) as p50_seconds,
from task_latency
inner join pt_infos using (source, task_id)
where task_latency.event = 'SUCCESS' and pt_infos.pt_index = 0 and pt_infos.context is not null
group by 1
order by characters_from;
