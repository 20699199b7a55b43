-- One row per source, action and distinct time at which a task ended or was last seen running, of the tasks submitted
-- in [t0, t1): what latency_survival_between and outcome_incidence_between are made of.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- t_seconds: time since submission; exact, never rounded
-- at_risk: tasks neither ended nor last seen before t_seconds; those last seen at t_seconds itself still count
-- succeeded: tasks that succeeded at t_seconds
-- failed: tasks that failed at t_seconds
-- censored: tasks still running when last seen, at t_seconds
-- survival_before: survival just before t_seconds; 1 on the first row
-- survival: Kaplan-Meier estimate: the product over all times up to t_seconds of 1 - ended / at_risk, with ended =
--   succeeded + failed
-- greenwood: the sum over all times up to t_seconds of ended / (at_risk * (at_risk - ended)): the variance of
--   ln(survival); the last task at risk to end adds nothing to it
--
-- Left out are tasks without a submit_time (a work alone has none) and ended tasks whose end has no time: they have
-- no duration. Kaplan and Meier, J. Am. Stat. Assoc. 53 (1958) 457; Greenwood (1926).
create or replace macro latency_life_table_between(t0, t1) as table
with counted as (
    select
        source,
        action,
        observed_seconds as t_seconds,
        sum(count(*)) over from_now_on::bigint as at_risk,
        count(*) filter (where event = 'SUCCESS') as succeeded,
        count(*) filter (where event = 'FAILURE') as failed,
        count(*) filter (where event is null) as censored,
        succeeded + failed as ended,
    from task_latency
    where submit_time >= t0::timestamptz and submit_time < t1::timestamptz and observed_seconds is not null
    group by source, action, observed_seconds
    -- Backwards: a sum of what follows takes three times as long as one of what came before.
    window from_now_on as (partition by source, action order by observed_seconds desc rows unbounded preceding)
),

estimated as (
    select
        *,
        (at_risk - ended) / at_risk as survived,
        -- Where all that are at risk end, the logarithm has no value and is passed over; that is the last row.
        exp(coalesce(sum(ln(nullif(survived, 0))) over up_to_now, 0)) as product,
        coalesce(sum(ended / (at_risk * nullif(at_risk - ended, 0)::double)) over up_to_now, 0) as greenwood,
    from counted
    window up_to_now as (partition by source, action order by t_seconds rows unbounded preceding)
)

select
    source,
    action,
    t_seconds,
    at_risk,
    succeeded,
    failed,
    censored,
    product / if(survived > 0, survived, 1) as survival_before,
    if(survived > 0, product, 0) as survival,
    greenwood,
from estimated;
