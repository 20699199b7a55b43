-- One row per share of the cohort's tasks that succeeded and of which both clocks are known: how long they took by each.
--
-- q: the share of tasks: 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99
-- gateway_seconds: quantile of the latency from the gateway's submit_time
-- provider_seconds: quantile of the latency from the provider's create_time
-- gap_seconds: quantile of the difference task by task: how long before submit_time the provider created the work
-- tasks: tasks that have both
create view clocks as
with timed as (
    select
        count(*) as tasks,
        [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99] as q,
        quantile_cont(latency_seconds, [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]) as gateway_seconds,
        quantile_cont(provider_latency_seconds, [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]) as provider_seconds,
        quantile_cont(provider_latency_seconds - latency_seconds, [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
            as gap_seconds,
    from cohort.task_latency
    where event = 'SUCCESS' and latency_seconds is not null and provider_latency_seconds is not null
)

select
    unnest(q)::double as q,
    unnest(gateway_seconds) as gateway_seconds,
    unnest(provider_seconds) as provider_seconds,
    unnest(gap_seconds) as gap_seconds,
    tasks,
from timed
where tasks > 0
order by q;
