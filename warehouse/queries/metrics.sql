-- The values of `status --format prometheus`, one row each: the metric's name, its labels, its value.
--
-- $now: as of when
with summed as (
    select source, command, exit_code, summary
    from runs
    where command in ('collect', 'demo')  -- not the parts of a split run: its own summary is the sum over them
)

select 'avatar_tasks_requests_total' as name, map {'source': source} as labels,
    sum(coalesce((summary ->> 'requests')::bigint, 0))::double as value,
from summed
group by source
union all
select 'avatar_tasks_retries_total', map {'source': source}, sum(coalesce((summary ->> 'retries')::bigint, 0)),
from summed
group by source
union all
select 'avatar_tasks_refusals_total', map {'source': source}, sum(coalesce((summary ->> 'refusals')::bigint, 0)),
from summed
group by source
union all
select 'avatar_tasks_runs_total', map {'source': source, 'command': command, 'exit_code': exit_code::varchar}, count(*),
from runs
group by source, command, exit_code
union all
select 'avatar_tasks_tasks', map {'source': source, 'status': status}, count(*),
from tasks
group by source, status
union all
select 'avatar_tasks_failed_tasks', map {'source': source, 'fail_class': coalesce(fail_class, 'unknown')}, count(*),
from tasks
where status = 'FAILURE'
group by source, fail_class
union all
select 'avatar_tasks_due_ids', map {'source': source}, count(*) filter (where is_due),
from due_tasks_at($now)
group by source
union all
select 'avatar_tasks_stuck_tasks', map {'source': source}, count(stuck.task_id),
from (select distinct source from tasks) as sources
left join stuck_tasks_at($now) as stuck using (source)
group by source
union all
select 'avatar_tasks_quarantined_answers', map {'source': source}, count(quarantine.task_id),
from (select distinct source from observations) as sources
left join quarantine using (source)
group by source
union all
select 'avatar_tasks_identity_conflict_tasks', map {'source': source}, count(*) filter (where identity_conflict),
from tasks
group by source
union all
select 'avatar_tasks_missing_storm', map {'source': source}, count(storms.source),
from (select distinct source from observations) as sources
left join lasting_storms_at($now) as storms using (source)
group by source
union all
select 'avatar_tasks_last_load_timestamp_seconds', map {'source': source}, epoch(last_load_at),
from collection_freshness_at($now)
where last_load_at is not null
union all
select 'avatar_tasks_since_last_load_seconds', map {'source': source}, epoch($now::timestamptz) - epoch(last_load_at),
from collection_freshness_at($now)
where last_load_at is not null
union all
select 'avatar_tasks_last_answer_timestamp_seconds', map {'source': source}, epoch(last_answer_at),
from collection_freshness_at($now)
where last_answer_at is not null
union all
select 'avatar_tasks_error_budget_burn_rate', map {'objective': objective, 'window': format('{}h', window_hours)},
    max(burn_rate),
from slo_burn_at($now)
where burn_rate is not null
group by objective, window_hours
union all
select 'avatar_tasks_error_budget_burning', map {'objective': objective}, max(coalesce(is_burning, false)::integer),
from slo_burn_at($now)
group by objective
order by all;
