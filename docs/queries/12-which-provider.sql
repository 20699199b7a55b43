-- Which provider and model is slow, and which fails?
-- Asked by: product owner.
select
    platform,
    model,
    action,
    count(*) as tasks,
    quantile_cont(latency_seconds, 0.5) filter (where status = 'SUCCESS') as p50_seconds,
    quantile_cont(latency_seconds, 0.95) filter (where status = 'SUCCESS') as p95_seconds,
    count(*) filter (where status = 'FAILURE') / nullif(count(*) filter (where is_terminal), 0) as failure_rate,
from tasks
group by platform, model, action
order by tasks desc;
