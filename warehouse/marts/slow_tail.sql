-- One row per source and action with at least 20 succeeded tasks: what the slow ones spend their time on. A task is
-- slow if it took longer than 90% of its kind; its excess is the time beyond the median of its kind.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- succeeded: tasks that succeeded, with a latency
-- p50_seconds: median of their latency
-- p90_seconds: 90th percentile of their latency
-- slow: those that took longer than p90_seconds
-- excess_seconds: the total time of the slow tasks beyond p50_seconds; the following three shares of it add up to 1
-- waiting_share: the share due to waiting, between submission and start
-- running_share: the share due to running, between start and end
-- unknown_start_share: the share of slow tasks whose start is unknown, so that it cannot be divided
--
-- The excess of a task is divided between waiting and running in proportion to how far its queue_seconds and
-- run_seconds exceed the medians of its kind. Only tasks that succeeded are counted: a task that never ends is in
-- stuck_tasks.
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
