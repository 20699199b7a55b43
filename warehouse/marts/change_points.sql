-- One row per source, action and metric whose level changed in one step within the 28 days before the newest task:
-- change_points_between for these days, which explains the method.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- metric: failure_rate, or latency_seconds (of the succeeded)
-- changed_at: first instant of the hour (of submit_time) from which the new level holds
-- changed_at_low: first hour of a 95% confidence set for the change
-- changed_at_high: last hour of that set; hours later if the step is small
-- before: the level before: share of failures, or median latency of the succeeded
-- after: the level from then on: share of failures, or median latency of the succeeded
-- tasks_before: tasks counted before: those that have ended, or succeeded
-- tasks_after: tasks counted after
-- p_value: chance of a step at least this large at any hour if there is none, corrected for testing every hour
-- q_value: smallest false discovery rate at which it is significant, over all series; rows have at most 0.05
create or replace view change_points as
from change_points_between(
    (select max(submit_time) - interval 28 days from tasks where not identity_conflict),
    'infinity'::timestamptz
);
