-- How long does it take by the provider's clock, and how far is that from the gateway's?
-- Asked by: SRE.
select
    source,
    action,
    count(provider_latency_seconds) as tasks,
    quantile_cont(latency_seconds, 0.5) as gateway_p50_seconds,
    quantile_cont(provider_latency_seconds, 0.5) as provider_p50_seconds,
    quantile_cont(provider_latency_seconds - latency_seconds, 0.5) as created_before_submission_p50_seconds,
from task_latency
where event = 'SUCCESS'
group by source, action
order by source, action;
