-- One row per time at which a task of the cohort ended or was last seen running: the columns of outcome_incidence that a
-- page shows.
--
-- t_seconds: time since submission
-- at_risk: tasks still running just before it
-- p_success, p_failure, p_running: estimated shares that have succeeded, have failed, and still run
create view outcome_curve as
select t_seconds, at_risk, p_success, p_failure, survival as p_running,
from outcome_shares_between('-infinity', 'infinity');
