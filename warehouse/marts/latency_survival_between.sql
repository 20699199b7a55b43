-- One row per source, action and distinct time at which a task ended or was last seen running, of the tasks submitted
-- in [t0, t1): Kaplan-Meier of the time from submission to the end, by success or failure; see latency_survival.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- t_seconds: time since submission
-- at_risk: tasks neither ended nor last seen before t_seconds
-- ended: tasks that ended at t_seconds
-- censored: tasks still running when last seen, at t_seconds
-- survival: estimated share of tasks that take longer than t_seconds
-- survival_low: lower end of its 95% interval
-- survival_high: upper end of its 95% interval
--
-- t0 and t1 are times, or text that can be read as one, by default in the time zone of the session. '-infinity' and
-- 'infinity' leave an end open.
create or replace macro latency_survival_between(t0, t1) as table
select
    source,
    action,
    t_seconds,
    at_risk,
    succeeded + failed as ended,
    censored,
    survival,
    survival_bound(survival, greenwood, -1.959963984540054) as survival_low,
    survival_bound(survival, greenwood, 1.959963984540054) as survival_high,
from latency_life_table_between(t0, t1);
