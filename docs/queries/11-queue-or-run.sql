-- Where does the time go: waiting in the queue, or running?
-- Asked by: SRE.
-- Only tasks whose start was recorded are counted: `start_known_share` of those that succeeded.
select
    source,
    action,
    count(*) filter (where is_start_known) / count(*) as start_known_share,
    quantile_cont(queue_seconds, 0.5) as queue_p50_seconds,
    quantile_cont(queue_seconds, 0.95) as queue_p95_seconds,
    quantile_cont(run_seconds, 0.5) as run_p50_seconds,
    quantile_cont(run_seconds, 0.95) as run_p95_seconds,
from task_latency
where event = 'SUCCESS'
group by source, action
order by source, action;
