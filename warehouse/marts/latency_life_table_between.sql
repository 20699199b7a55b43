-- One row per source, action and distinct time at which a task ended or was last seen running, of the tasks submitted
-- in [t0, t1): the basis of latency_survival_between and outcome_incidence_between.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- t_seconds: time since submission; exact, never rounded
-- at_risk: tasks that could be seen to end at t_seconds: those that joined before it (entry_seconds in task_latency, 0
--   for most), and neither ended nor were last seen before it; those last seen at t_seconds itself still count
-- succeeded: tasks that succeeded at t_seconds
-- failed: tasks that failed at t_seconds
-- censored: tasks still running when last seen, at t_seconds
-- survival_before: survival just before t_seconds; 1 on the first row
-- survival: Kaplan-Meier estimate: the product over all times up to t_seconds of 1 - ended / at_risk, with ended =
--   succeeded + failed
-- greenwood: the sum over all times up to t_seconds of ended / (at_risk * (at_risk - ended)): the variance of
--   ln(survival); if all at risk end, nothing is added
-- curve_number: a number for each source and action, which is faster to compare; it differs from call to call
--
-- The last row is the last time at which any task was at risk: nothing is estimated beyond it. Left out are tasks
-- without a submit_time (such as a work without its task), ended tasks whose end has no time, those of status UNKNOWN,
-- and those that had ended before they joined. If tasks join late, all tasks at risk may end before others join; such
-- an end would make survival 0 although others take longer, so it is left out of the product (Lai and Ying, Ann. Stat.
-- 19 (1991) 417). Kaplan and Meier, J. Am. Stat. Assoc. 53 (1958) 457; Greenwood (1926); with late entry: Tsai, Jewell
-- and Wang, Biometrika 74 (1987) 883.
create or replace macro latency_life_table_between(t0, t1) as table
with watched as materialized (
    select
        source,
        action,
        observed_seconds,
        entry_seconds,
        event,
    from task_latency
    where
        submit_time >= t0::timestamptz
        and submit_time < t1::timestamptz
        and observed_seconds is not null
        and (observed_seconds > entry_seconds or entry_seconds = 0)
),

changes as materialized (
    select
        source,
        action,
        observed_seconds as t_seconds,
        count(*) as leaving,
        0 as joining,
        count(*) filter (where event = 'SUCCESS') as succeeded,
        count(*) filter (where event = 'FAILURE') as failed,
    from watched
    group by source, action, observed_seconds
    union all
    -- A task is not at risk yet at the time at which it joins, so it joins a tenth of a microsecond (the unit) later.
    select source, action, entry_seconds + 1e-7 as t_seconds, 0, count(*), 0, 0,
    from watched
    where entry_seconds > 0
    group by source, action, entry_seconds
),

-- Windows over numbers take half the time of windows over text, and sums of doubles half that of sums of integers.
curves as (
    select source, action, dense_rank() over (order by source, action)::integer as curve_number,
    from (select distinct source, action from tasks)
),

numbered as (
    select
        curves.curve_number,
        changes.t_seconds,
        (changes.leaving - changes.joining)::double as fewer,
        changes.leaving::double as leaving,
        changes.succeeded::double as succeeded,
        changes.failed::double as failed,
    from changes
    inner join curves
        on changes.source = curves.source
        and changes.action is not distinct from curves.action
),

counted as (
    select
        curve_number,
        t_seconds,
        sum(fewer) over from_now_on as at_risk,
        row_number() over from_now_on = 1 as is_last,
        leaving,
        succeeded,
        failed,
    from numbered
    -- In descending order: a sum over following rows takes three times as long as one over preceding rows.
    window from_now_on as (partition by curve_number order by t_seconds desc rows unbounded preceding)
),

estimated as (
    select
        *,
        (at_risk - succeeded - failed) / at_risk as survived,
        -- If all tasks at risk end, the logarithm is NULL, which the sum ignores.
        exp(coalesce(sum(ln(nullif(survived, 0))) over up_to_now, 0)) as product,
        coalesce(
            sum((succeeded + failed) / (at_risk * nullif(at_risk - succeeded - failed, 0))) over up_to_now, 0
        ) as greenwood,
    from counted
    where leaving > 0
    window up_to_now as (partition by curve_number order by t_seconds rows unbounded preceding)
)

select
    curves.source,
    curves.action,
    estimated.t_seconds,
    estimated.at_risk::bigint as at_risk,
    estimated.succeeded::bigint as succeeded,
    estimated.failed::bigint as failed,
    (leaving - succeeded - failed)::bigint as censored,
    product / if(survived > 0, survived, 1) as survival_before,
    if(survived > 0 or not is_last, product, 0) as survival,
    estimated.greenwood,
    curves.curve_number,
from estimated
inner join curves on estimated.curve_number = curves.curve_number;
