-- The values that `status --fail-if` tests, in one row; counts, and durations in seconds.
--
-- $now: as of when
--
-- stale: time since the last loaded run of any source ended; or, if larger, that of the most delayed source with ids
--   due; NULL when no run is loaded
-- unanswered: time that ids have been due without a usable answer, of the worst source; 0 when nothing is due, NULL
--   when a source with ids due never gave a usable answer
-- failing: how many runs of collect in a row, up to the latest, ended with an error; of the worst source
with freshness as (
    select
        epoch($now::timestamptz) - epoch(last_load_at) as since_load,
        epoch($now::timestamptz) - epoch(last_answer_at) as since_answer,
        epoch($now::timestamptz) - epoch(oldest_due_at) as due_for,
    from collection_freshness_at($now)
),

ranked as (
    select
        source,
        exit_code,
        row_number() over (partition by source order by started_at desc, run_id) as latest,
    from runs
    where command = 'collect'
),

streaks as (
    select coalesce(min(latest) filter (where exit_code = 0) - 1, count(*)) as failed,
    from ranked
    group by source
)

select
    (select greatest(min(since_load), max(since_load) filter (where due_for is not null)) from freshness) as stale,
    (
        select if(count(due_for) = 0, 0, if(bool_or(since_answer is null), null, max(least(since_answer, due_for))))
        from freshness
        where due_for is not null
    ) as unanswered,
    (select coalesce(max(failed), 0) from streaks) as failing,
    (select count(*) from due_tasks_at($now) where is_due) as due,
    (select count(*) from stuck_tasks_at($now)) as stuck,
    (select count(*) from quarantine where epoch(observed_at) > epoch($now::timestamptz) - 86_400) as quarantined,
    (select count(distinct objective) from slo_burn_at($now) where is_burning) as burning,
    (select count(*) from lasting_storms_at($now)) as missing_storm,
    (select count(*) from tasks where identity_conflict) as identity_conflict;
