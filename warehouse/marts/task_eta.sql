-- One row per task in flight that has a submit_time: how much longer it will take, given its age, by the survival curve
-- of the tasks of its source and action submitted in the seven days before the newest task.
--
-- source: which gateway the task belongs to
-- task_id: the task
-- action: what the task does
-- submit_time: when the gateway accepted the task
-- age_seconds: its age when it was last seen
-- history: tasks of the curve that ended later than this age
-- median_left_seconds: the time after age_seconds within which it ends with a probability of 50%
-- low_seconds: the time after age_seconds within which it ends with a probability of 5%
-- high_seconds: the time after age_seconds within which it ends with a probability of 95%; so nine of ten tasks end
--   between low_seconds and high_seconds
-- expected_at: submit_time + age_seconds + median_left_seconds
-- p_failure: the probability that it will fail (see failure_chance)
--
-- With S the Kaplan-Meier estimate of latency_survival, the times left are those at which S falls to 1/2, 19/20 and
-- 1/20 of S(age). NULL if fewer than 20 tasks of the curve ended later than the age, or if the curve does not fall that
-- far.
create or replace view task_eta as
with curve as materialized (
    select
        source,
        action,
        -- ASOF joins do not match NULL with `is not distinct from`.
        coalesce(action, '') as action_key,
        t_seconds,
        coalesce(lag(t_seconds) over earlier, -1) as from_seconds,
        survival_before,
        survival,
        sum(succeeded + failed) over later as ended_later,
    from latency_life_table_between(
        (select max(submit_time) - interval 7 days from tasks where not identity_conflict),
        'infinity'::timestamptz
    )
    where succeeded + failed > 0
    window
        earlier as (partition by source, action order by t_seconds),
        later as (partition by source, action order by t_seconds desc rows unbounded preceding)
),

aged as (
    select
        failure_chance.* exclude (history_ended),
        if(failure_chance.age_seconds < curve.t_seconds, ended_later, 0)::bigint as history,
        curve.survival_before as survival_now,
    from failure_chance
    asof left join curve
        on failure_chance.source = curve.source
        and coalesce(failure_chance.action, '') = curve.action_key
        and failure_chance.age_seconds >= curve.from_seconds
),

-- 1e-9 allows for rounding errors: the curve is a product.
asked as (
    select *, unnest([0.5, 0.95, 0.05]) as share, (share + 1e-9) * survival_now as level,
    from aged
),

timed as (
    select
        asked.source,
        task_id,
        asked.action,
        submit_time,
        age_seconds,
        p_failure,
        coalesce(history, 0) as history,
        min(curve.t_seconds - age_seconds) filter (where share = 0.5 and history >= 20) as median_left_seconds,
        min(curve.t_seconds - age_seconds) filter (where share = 0.95 and history >= 20) as low_seconds,
        min(curve.t_seconds - age_seconds) filter (where share = 0.05 and history >= 20) as high_seconds,
    from asked
    asof left join curve
        on asked.source = curve.source
        and coalesce(asked.action, '') = curve.action_key
        and asked.level >= curve.survival
    group by all
)

select
    source,
    task_id,
    action,
    submit_time,
    age_seconds,
    history,
    median_left_seconds,
    low_seconds,
    high_seconds,
    submit_time + to_microseconds(((age_seconds + median_left_seconds) * 1e6)::bigint) as expected_at,
    p_failure,
from timed;
