-- One row per source, action and distinct time at which a task ended or was last seen running, of the tasks submitted
-- in [t0, t1): the basis of outcome_incidence_between, which adds the intervals and takes twice as long.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- t_seconds: time since submission
-- at_risk: as in latency_life_table_between
-- succeeded: as in latency_life_table_between
-- failed: as in latency_life_table_between
-- censored: as in latency_life_table_between
-- survival_before: as in latency_life_table_between
-- survival: as in latency_life_table_between
-- greenwood: as in latency_life_table_between
-- curve_number: as in latency_life_table_between
-- success_step: share of all tasks that succeeds at t_seconds: survival_before * succeeded / at_risk
-- failure_step: share of all tasks that fails at t_seconds
-- p_success: estimated share of tasks that have succeeded by t_seconds: the sum of success_step (Aalen and Johansen,
--   Scand. J. Stat. 5 (1978) 141)
-- p_failure: estimated share of tasks that have failed by t_seconds
create or replace macro outcome_shares_between(t0, t1) as table
select
    *,
    survival_before * succeeded / at_risk as success_step,
    survival_before * failed / at_risk as failure_step,
    sum(success_step) over up_to_now as p_success,
    sum(failure_step) over up_to_now as p_failure,
from latency_life_table_between(t0, t1)
window up_to_now as (partition by curve_number order by t_seconds rows unbounded preceding);
