-- One row per quantile: how long the cohort's successful tasks took by either clock. Only tasks with both clocks count.
--
-- q: the share of tasks: 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99
-- gateway_seconds: quantile of the latency from the gateway's submit_time
-- provider_seconds: quantile of the latency from the provider's create_time
-- gap_seconds: quantile of the difference per task: how long before submit_time the provider created the work
-- tasks: tasks with both clocks
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
