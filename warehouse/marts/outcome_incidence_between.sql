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
--
-- t0 and t1 are times, or text that reads as one; text without a zone is read in the session's. '-infinity' and
-- 'infinity' leave an end open.
create or replace macro outcome_incidence_between(t0, t1) as table
select
    source,
    action,
    t_seconds,
    at_risk,
    succeeded,
    failed,
    censored,
    sum(survival_before * succeeded / at_risk) over up_to_now as p_success,
    sum(survival_before * failed / at_risk) over up_to_now as p_failure,
    survival as p_running,
from latency_life_table_between(t0, t1)
window up_to_now as (
    partition by source, action order by t_seconds rows between unbounded preceding and current row
);
