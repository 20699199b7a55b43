-- The ids that this load says something about, and what the whole set of requests and observations says about each.
-- Counts and extremes come from the set, never from adding to what stood before.
create or replace temp table touched as
with ids as (
    select source, task_id from new_observations
    union
    select source, task_id from new_requests
),

asked as (
    select source, task_id, min(requested_at) as requested_at
    from requests
    semi join ids using (source, task_id)
    group by all
),

seen as (
    select
        source,
        task_id,
        min(observed_at) filter (where outcome = 'task') as first_observed_at,
        max(observed_at) filter (where outcome = 'task') as last_observed_at,
        count(*) filter (where outcome = 'task') as observation_count,
        max(observed_at) filter (where outcome = 'task' and status not in ('SUCCESS', 'FAILURE')) as last_running_at,
        min(observed_at) filter (where status in ('SUCCESS', 'FAILURE')) as first_terminal_at,
        max(observed_at) as last_asked_at,
        count(*) as asked_count,
        count(*) filter (where outcome = 'missing') as missing_count,
        arg_max(outcome, {'at': observed_at, 'hash': body_hash, 'run': run_id, 'outcome': outcome}) as last_outcome,
    from observations
    semi join ids using (source, task_id)
    group by all
)

select
    ids.source,
    ids.task_id,
    asked.requested_at,
    seen.* exclude (source, task_id),
from ids
left join asked using (source, task_id)
left join seen using (source, task_id);
