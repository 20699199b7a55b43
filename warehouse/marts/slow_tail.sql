-- One row per source and action of which 20 tasks have succeeded: where the time of the slow ones goes. Slow are those that
-- took longer than 90% of their kind; their excess is the time beyond the median of their kind.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- succeeded: tasks that succeeded, with a latency
-- p50_seconds: median of their latency
-- p90_seconds: 90th percentile of their latency
-- slow: those that took longer than p90_seconds
-- excess_seconds: what the slow took beyond p50_seconds, all together; the three shares are of it and add up to 1
-- waiting_share: due to waiting: between submission and start
-- running_share: due to running: between start and end
-- unknown_start_share: of slow tasks whose start is unknown, which says nothing of either
--
-- The excess of a task is divided between waiting and running as its queue_seconds and run_seconds exceed the medians of
-- their kind. Only tasks that succeeded are counted: a task that runs for ever is in stuck_tasks.
create or replace view slow_tail as
with kinds as (
    select
        source,
        action,
        count(*) as succeeded,
        quantile_cont(latency_seconds, [0.5, 0.9]) as quantiles,
        coalesce(median(queue_seconds), 0) as typical_queue_seconds,
        coalesce(median(run_seconds), 0) as typical_run_seconds,
    from task_latency
    where event = 'SUCCESS' and latency_seconds is not null
    group by source, action
    having count(*) >= 20
),

divided as (
    select
        kinds.*,
        task_latency.latency_seconds - quantiles[1] as excess_seconds,
        greatest(queue_seconds - typical_queue_seconds, 0) as waiting_excess,
        greatest(run_seconds - typical_run_seconds, 0) as running_excess,
        case
            when queue_seconds is null or run_seconds is null then null
            when waiting_excess + running_excess > 0 then waiting_excess / (waiting_excess + running_excess)
            else queue_seconds / latency_seconds
        end as waiting_part,
    from kinds
    inner join task_latency
        on kinds.source = task_latency.source
        and kinds.action is not distinct from task_latency.action
        and task_latency.latency_seconds > quantiles[2]
    where event = 'SUCCESS'
)

select
    source,
    action,
    any_value(succeeded) as succeeded,
    any_value(quantiles[1]) as p50_seconds,
    any_value(quantiles[2]) as p90_seconds,
    count(*) as slow,
    sum(divided.excess_seconds) as excess_seconds,
    coalesce(sum(divided.excess_seconds * waiting_part), 0) / sum(divided.excess_seconds) as waiting_share,
    coalesce(sum(divided.excess_seconds * (1 - waiting_part)), 0) / sum(divided.excess_seconds) as running_share,
    coalesce(sum(divided.excess_seconds) filter (where waiting_part is null), 0) / sum(divided.excess_seconds)
        as unknown_start_share,
from divided
group by source, action;
