-- What somebody should be told: one row per kind and subject, with words about it; `source` is NULL where it is about all
-- gateways.
--
-- $since: drift is told when it was first seen since then
with burning as (
    select
        source,
        objective as subject,
        string_agg(format('{:.1f} times in {} h', burn_rate, window_hours), ', ' order by window_hours) as rates,
    from slo_burn
    where is_burning
    group by source, objective
)

select
    source,
    'slo-burning' as kind,
    subject,
    format('{}: the error budget burns faster than it may: {}', subject, rates) as words,
from burning
union all
select
    source,
    'tasks-stuck',
    format('{}/{}', source, task_id),
    format('{}: running for {:.0f} s; {:.0f} s are thrice the p99', task_id, age_seconds, threshold_seconds),
from stuck_tasks
union all
select
    null,
    'schema-drift',
    format('{} {}', json_path, kind),
    format('{} at {} ({}), first in task {}', kind, json_path, json_type, example_task_id),
from schema_drift
where first_seen_at >= $since
order by all;
