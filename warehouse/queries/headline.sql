-- The headline numbers, in one row. Percentiles are of succeeded tasks, by the gateway's clock; what still runs is counted
-- beside them, not in them. Tasks with an identity_conflict are in a number of their own alone.
select
    count(*) as tasks,
    count(*) filter (where status = 'SUCCESS') as succeeded,
    count(*) filter (where status = 'FAILURE') as failed,
    count(*) filter (where not is_terminal) as in_flight,
    failed / nullif(succeeded + failed, 0) as failure_rate,
    count(*) filter (where fail_class in ('gateway', 'gateway_timeout')) as failed_by_gateway,
    quantile_cont(latency_seconds, 0.5) filter (where status = 'SUCCESS') as p50_seconds,
    quantile_cont(latency_seconds, 0.95) filter (where status = 'SUCCESS') as p95_seconds,
    quantile_cont(latency_seconds, 0.99) filter (where status = 'SUCCESS') as p99_seconds,
    median(queue_seconds) as queue_p50_seconds,
    count(queue_seconds) / nullif(count(*), 0) as start_known_share,
    min(submit_time) as first_submit_time,
    max(submit_time) as last_submit_time,
    (select count(*) from tasks where identity_conflict) as identity_conflicts,
from tasks
where not identity_conflict;
