-- One row per source, action and distinct time at which a task ended or was last seen running, of the tasks submitted
-- in [t0, t1): Aalen-Johansen with success and failure as competing ends; see outcome_incidence.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- t_seconds: time since submission
-- at_risk: tasks neither ended nor last seen before t_seconds
-- succeeded: tasks that succeeded at t_seconds
-- failed: tasks that failed at t_seconds
-- censored: tasks still running when last seen, at t_seconds
-- p_success: estimated share of tasks that have succeeded by t_seconds
-- p_failure: estimated share of tasks that have failed by t_seconds
-- p_running: estimated share of tasks still running after t_seconds
-- p_success_low: lower end of the 95% interval of p_success
-- p_success_high: upper end
-- p_failure_low: lower end of the 95% interval of p_failure
-- p_failure_high: upper end
--
-- t0 and t1 are times, or text that can be read as one, by default in the time zone of the session. '-infinity' and
-- 'infinity' leave an end open.
create or replace macro outcome_incidence_between(t0, t1) as table
with estimated as (
    select
        *,
        (succeeded + failed) / (at_risk * nullif(at_risk - succeeded - failed, 0)::double) as hazard_variance,
    from outcome_shares_between(t0, t1)
),

-- The square (p - p_j)^2 of the formula is expanded, so that running sums over the earlier times are enough.
summed as (
    select
        *,
        p_success * p_success * greenwood
            - 2 * p_success * sum(p_success * coalesce(hazard_variance, 0) + success_step / at_risk) over up_to_now
            + sum(
                p_success * p_success * coalesce(hazard_variance, 0)
                + success_step * (survival_before * (at_risk - succeeded) / at_risk + 2 * p_success) / at_risk
            ) over up_to_now as success_variance,
        p_failure * p_failure * greenwood
            - 2 * p_failure * sum(p_failure * coalesce(hazard_variance, 0) + failure_step / at_risk) over up_to_now
            + sum(
                p_failure * p_failure * coalesce(hazard_variance, 0)
                + failure_step * (survival_before * (at_risk - failed) / at_risk + 2 * p_failure) / at_risk
            ) over up_to_now as failure_variance,
    from estimated
    window up_to_now as (partition by curve_number order by t_seconds rows unbounded preceding)
)

select
    source,
    action,
    t_seconds,
    at_risk,
    succeeded,
    failed,
    censored,
    p_success,
    p_failure,
    survival as p_running,
    incidence_bound(p_success, success_variance, -1.959963984540054) as p_success_low,
    incidence_bound(p_success, success_variance, 1.959963984540054) as p_success_high,
    incidence_bound(p_failure, failure_variance, -1.959963984540054) as p_failure_low,
    incidence_bound(p_failure, failure_variance, 1.959963984540054) as p_failure_high,
from summed;
