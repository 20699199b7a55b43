-- Do failures end sooner than successes?
-- Asked by: SRE.
-- If so, the failure rate of the last minutes is always too high: successes are still under way.
select
    source,
    action,
    quantile_cont(latency_seconds, 0.5) filter (where event = 'SUCCESS') as success_p50_seconds,
    quantile_cont(latency_seconds, 0.5) filter (where event = 'FAILURE') as failure_p50_seconds,
from task_latency
group by source, action
order by source, action;
