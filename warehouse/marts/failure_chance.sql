-- One row per task in flight that has a submit_time: the probability that it will fail, given its age, estimated from
-- the tasks of its source and action that were submitted before it.
--
-- source: which gateway the task belongs to
-- task_id: the task
-- action: what the task does
-- submit_time: when the gateway accepted the task
-- age_seconds: its age when it was last seen
-- history_ended: tasks of the history that have ended; NULL when there are none
-- p_failure: the probability that it ends as a failure, given that it ends; NULL when no task of the history has ended,
--   or when none of them was followed up to this age
--
-- All tasks of an hour (UTC) have the same history: the tasks of their source and action submitted in the whole hours
-- before it, as many hours as are needed for 2,000 that have ended. None was submitted in the same hour or later. With
-- p_success, p_failure and p_running of the history by Aalen-Johansen (see outcome_incidence), at age a and at the end
-- of the curve, p_failure = (p_failure(end) - p_failure(a)) / (p_running(a) - p_running(end)). p_running(end) is 0
-- unless the longest task of the history is still running; how such tasks end is not known, and is assumed to be as for
-- the others. If fewer than 20 tasks of the history ended later than a, the latest age after which 20 did is used
-- instead; with fewer than 20 in all, p_failure is the share of failures among all. So it never depends on the few
-- longest tasks alone. Tasks of lists drawn from running ones are at risk from entry_seconds on (see task_latency).
create or replace view failure_chance as
with aged as materialized (
    select
        source,
        if(event is null, task_id, null) as task_id,
        action,
        submit_time,
        floor(epoch(submit_time) / 3600)::bigint as submit_hour,
        event,
        observed_seconds,
        entry_seconds,
    from task_latency
    where submit_time is not null and observed_seconds is not null
),

hours as (
    select
        source,
        action,
        submit_hour,
        count(*) filter (where event is null) as in_flight,
        min(observed_seconds) filter (where event is null) as youngest_seconds,
        count(*) filter (where event is not null) as ended,
        sum(ended) over (partition by source, action order by submit_hour rows unbounded preceding)
            - ended as ended_before,
        row_number() over (order by source, action, submit_hour) as position,
        rank() over (order by source, action) as first_position,
    from aged
    group by source, action, submit_hour
),

-- An hour with tasks in flight is a cohort; its history begins at the latest hour from which on 2,000 tasks before the
-- cohort have ended, or else at the first hour of its kind.
history_hours as (
    select
        cohort.position as cohort,
        cohort.youngest_seconds,
        unnest(range(coalesce(latest.position, cohort.first_position), cohort.position)) as position,
    from hours as cohort
    asof left join (from hours where ended > 0) as latest
        on cohort.first_position = latest.first_position
        and cohort.ended_before - 2000 >= latest.ended_before
    where cohort.in_flight > 0
),

-- CTEs are read as rarely as possible, because versions of DuckDB before 1.4 plan them again each time. Times before
-- the age of the cohort's youngest task in flight are left out: what happens after that age does not depend on them.
-- limit_seconds: the 20th longest time to an end; the shortest, if there are fewer.
histories as (
    select
        history_hours.cohort,
        any_value(history_hours.youngest_seconds) as youngest_seconds,
        count(aged.event) as history_ended,
        if(
            history_ended >= 20,
            list_min(max(observed_seconds, 20) filter (where aged.event is not null)),
            min(observed_seconds) filter (where aged.event is not null)
        ) as limit_seconds,
        max(observed_seconds) as followed_seconds,
        list({
            't_seconds': observed_seconds,
            'failed': (aged.event is not distinct from 'FAILURE')::integer,
            'ended': (aged.event is not null)::integer,
            'leaving': 1
        }) as ends,
        list({'t_seconds': aged.entry_seconds + 1e-7, 'failed': 0, 'ended': 0, 'leaving': -1})
            filter (where aged.entry_seconds > 0) as entries,
    from aged
    inner join hours
        on aged.source = hours.source
        and aged.action is not distinct from hours.action
        and aged.submit_hour = hours.submit_hour
    inner join history_hours on hours.position = history_hours.position
    where aged.observed_seconds > aged.entry_seconds or aged.entry_seconds = 0
    group by history_hours.cohort
    having history_ended > 0
),

changes as (
    select
        cohort,
        t_seconds,
        any_value(history_ended) as history_ended,
        any_value(limit_seconds) as limit_seconds,
        any_value(followed_seconds) as followed_seconds,
        sum(failed)::double as failed,
        sum(ended)::double as ended,
        sum(leaving)::double as fewer,
        bool_or(leaving > 0) as is_left,
    from (
        select * exclude (ends, entries), unnest(ends || coalesce(entries, []), recursive := true),
        from histories
    )
    where t_seconds > youngest_seconds or t_seconds >= limit_seconds
    group by cohort, t_seconds
),

counted as (
    select *, sum(fewer) over from_now_on as at_risk,
    from changes
    window from_now_on as (partition by cohort order by t_seconds desc rows unbounded preceding)
),

survived as (
    select
        *,
        coalesce(
            exp(
                sum(ln(nullif(at_risk - ended, 0) / at_risk)) over (
                    partition by cohort order by t_seconds rows between unbounded preceding and 1 preceding
                )
            ),
            1
        ) as survival_before,
    from counted
    where is_left
),

-- One row per cohort and time at which a task of its history ended: how those ended that still ran after from_seconds,
-- the previous such time.
chances as (
    select
        cohort,
        history_ended,
        followed_seconds,
        coalesce(lead(t_seconds) over (partition by cohort order by t_seconds desc), -1) as from_seconds,
        sum(survival_before * failed / at_risk) over later
            / sum(survival_before * ended / at_risk) over later as p_failure,
    from survived
    where ended > 0
    window later as (partition by cohort order by t_seconds desc rows unbounded preceding)
    qualify t_seconds <= limit_seconds
)

select
    aged.source,
    aged.task_id,
    aged.action,
    aged.submit_time,
    aged.observed_seconds as age_seconds,
    chances.history_ended,
    case when aged.observed_seconds <= chances.followed_seconds then chances.p_failure end as p_failure,
from aged
inner join hours
    on aged.source = hours.source
    and aged.action is not distinct from hours.action
    and aged.submit_hour = hours.submit_hour
asof left join chances
    on hours.position = chances.cohort
    and aged.observed_seconds >= chances.from_seconds
where aged.event is null;
