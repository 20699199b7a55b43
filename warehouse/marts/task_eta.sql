-- One row per task in flight that has a submit_time: how much longer it will take, given its age, by the curve of the tasks
-- of its source and action submitted in the seven days before the newest task.
--
-- source: which gateway the task belongs to
-- task_id: the task
-- action: what the task does
-- submit_time: when the gateway accepted the task
-- age_seconds: its age when it was last seen
-- history: tasks of the curve that ended later than this age
-- median_left_seconds: time from age_seconds until it will have ended with a chance of one in two
-- low_seconds: until it will have ended with a chance of one in twenty
-- high_seconds: until it will have ended with a chance of 19 in 20: between low and high are nine of ten
-- expected_at: submit_time + age_seconds + median_left_seconds
-- p_failure: the probability that it will fail (see failure_chance)
--
-- With S the Kaplan-Meier estimate of latency_survival, the times left are those at which S falls to 1/2, 19/20 and 1/20 of
-- S(age). NULL where fewer than 20 of the curve ended later than the age, and where the curve does not fall so far:
-- nothing is said beyond what was followed.
create or replace view task_eta as
with curve as materialized (
    select
        source,
        action,
        t_seconds,
        survival,
        succeeded + failed as ended,
        sum(ended) over later - ended as ended_later,
    from latency_life_table_between(
        (select max(submit_time) - interval 7 days from tasks where not identity_conflict),
        'infinity'::timestamptz
    )
    where succeeded + failed > 0
    window later as (partition by source, action order by t_seconds desc rows unbounded preceding)
),

kinds as (
    select source, action, max(ended_later + ended)::bigint as ended
    from curve
    group by source, action
),

aged as (
    select
        failure_chance.source,
        failure_chance.task_id,
        failure_chance.action,
        failure_chance.submit_time,
        failure_chance.age_seconds,
        failure_chance.p_failure,
        coalesce(curve.ended_later, kinds.ended, 0)::bigint as history,
        coalesce(curve.survival, 1) as survival,
    from failure_chance
    left join kinds
        on failure_chance.source = kinds.source and failure_chance.action is not distinct from kinds.action
    asof left join curve
        on failure_chance.source = curve.source
        and failure_chance.action is not distinct from curve.action
        and failure_chance.age_seconds >= curve.t_seconds
),

-- A billionth more, as the curve is a product and its steps are rounded.
timed as (
    select
        aged.*,
        if(history >= 20, half.t_seconds - age_seconds, null) as median_left_seconds,
        if(history >= 20, twentieth.t_seconds - age_seconds, null) as low_seconds,
        if(history >= 20, nearly_all.t_seconds - age_seconds, null) as high_seconds,
    from aged
    asof left join curve as half
        on aged.source = half.source
        and aged.action is not distinct from half.action
        and 0.500000001 * aged.survival >= half.survival
    asof left join curve as twentieth
        on aged.source = twentieth.source
        and aged.action is not distinct from twentieth.action
        and 0.950000001 * aged.survival >= twentieth.survival
    asof left join curve as nearly_all
        on aged.source = nearly_all.source
        and aged.action is not distinct from nearly_all.action
        and 0.050000001 * aged.survival >= nearly_all.survival
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
