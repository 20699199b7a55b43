-- One row per source, action and distinct time at which a task ended or was last seen running, of the tasks submitted
-- in [t0, t1): what latency_survival_between and outcome_incidence_between are made of.
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
--   ln(survival); where all at risk end it adds nothing
-- curve_number: a number for each source and action: to compare one number is faster; another in each call
--
-- The last row is the last time at which anybody was at risk: nothing is estimated beyond. See latency_life_table_within.
create or replace macro latency_life_table_between(t0, t1) as table
select * exclude (bucket_start),
from latency_life_table_within(t0, t1, 'ever', 'UTC');
