-- One row per hour of submit_time in UTC, source and action that has tasks: did significantly more of them fail than in
-- the hours before? An hour is judged if it is not partial (see is_partial), if it has at least 5 tasks, and if the
-- hours before it have at least 100 tasks and at least five times as many as it.
--
-- bucket_start: the first instant of the hour, UTC
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- n: tasks submitted in it; tasks still running count as not failed, those of status UNKNOWN are left out
-- failed: those of them that failed
-- earlier_n: tasks of the same source and action submitted in earlier hours
-- earlier_failed: those of them that failed
-- expected_rate: (earlier_failed + 1/2) / (earlier_n + 1)
-- is_partial: whether the hour is not over, or tasks of it still run (see is_bucket_partial)
-- p_value: the chance of at least this many failures among n at the expected rate (binomial_tail); NULL if it is not
--   judged
-- q_value: p_value corrected for testing all judged hours: Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995) 289;
--   NULL if it is not judged
-- is_anomaly: whether q_value is 0.05 or less; false if it is not judged
--
-- How often a flag is raised although nothing is wrong: docs/statistics.md.
create or replace view failure_anomalies as
with counted as (
    select
        bucket_start(submit_time, 3600, 'UTC') as bucket_start,
        source,
        action,
        count(*) filter (where status <> 'UNKNOWN') as n,
        count(*) filter (where status = 'FAILURE') as failed,
        count(*) filter (where not is_terminal and status <> 'UNKNOWN') as in_flight,
    from tasks
    where submit_time is not null and not identity_conflict
    group by all
),

hours as (
    select
        counted.* exclude (in_flight),
        is_bucket_partial(bucket_end(bucket_start, 3600, 'UTC'), in_flight, last_observed_at, settle_seconds)
            as is_partial,
    from counted
    left join kind_follow_up
        on counted.source = kind_follow_up.source
        and counted.action is not distinct from kind_follow_up.action
),

compared as (
    select
        *,
        coalesce(sum(n) over earlier, 0)::bigint as earlier_n,
        coalesce(sum(failed) over earlier, 0)::bigint as earlier_failed,
        (earlier_failed + 0.5) / (earlier_n + 1) as expected_rate,
        not is_partial and n >= 5 and earlier_n >= greatest(100, 5 * n) as is_judged,
        if(is_judged, binomial_tail(failed, n, expected_rate), null) as p_value,
    from hours
    window earlier as (
        partition by source, action order by bucket_start rows between unbounded preceding and 1 preceding
    )
),

ranked as (
    select
        *,
        p_value * count(p_value) over () / row_number() over (order by p_value nulls last) as scaled,
    from compared
)

select
    bucket_start,
    source,
    action,
    n,
    failed,
    earlier_n,
    earlier_failed,
    expected_rate,
    is_partial,
    p_value,
    case when is_judged then least(min(scaled) over (order by p_value desc nulls first), 1) end as q_value,
    coalesce(q_value <= 0.05, false) as is_anomaly,
from ranked;
