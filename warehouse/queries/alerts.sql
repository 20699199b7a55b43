-- The current alerts: one row per kind and subject, with a sentence; `source` is NULL if it is about all gateways.
--
-- $since: schema drift is reported if it was first seen since then
-- $now: the current time; collection is stale if no usable answer came in the hour before it, although ids were due for
--   that hour
with burning as (
    select
        source,
        objective as subject,
        string_agg(format('{:.1f} times as fast as it may over {}', burn_rate, if(window_hours = 1, '1 hour', format('{} hours', window_hours))), ' and ' order by window_hours) as rates,
    from slo_burn_at($now)
    where is_burning
    group by source, objective
)

select
    source,
    'slo-burning' as kind,
    subject,
    format('{}: its error budget is used up {}', subject, rates) as words,
from burning
union all
select
    source,
    'tasks-stuck',
    format('{}/{}', source, task_id),
    format('{}: running for {:.0f} s; {:.0f} s is three times the p99 of its kind', task_id, age_seconds, threshold_seconds),
from stuck_tasks_at($now)
union all
select
    source,
    'collection-stale',
    source,
    format(
        '{}: no usable answer since {} although ids are due: objectives and what is in flight are unknown since then',
        source,
        coalesce(strftime(make_timestamp(epoch_us(last_answer_at)), '%Y-%m-%d %H:%M UTC'), 'the beginning')
    ),
from collection_freshness_at($now)
where is_stale and epoch(oldest_due_at) < epoch($now::timestamptz) - 3600
union all
select
    null,
    'schema-drift',
    format('{} {}', json_path, kind),
    format('{} at {} ({}), first in task {}', kind, json_path, json_type, example_task_id),
from schema_drift
where first_seen_at >= $since
order by all;
