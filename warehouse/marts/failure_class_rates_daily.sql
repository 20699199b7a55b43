-- One row per day of submit_time in UTC, source, action and class of failure: the share of ended tasks that failed, by
-- cause. Every day with an ended task has a row for each class that any failure has, also if the rate is 0. Within a
-- day the rates add up to failure_rate of failure_rate_daily.
--
-- bucket_start: the first instant of the day, UTC
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- fail_class: the cause: provider, gateway, gateway_timeout, content_policy, input, account, rate_limit, network,
--   cancelled or unknown
-- ended: tasks of the day that have ended, in success or failure
-- failed: those of them that failed with this class
-- failure_rate: failed / ended. Too high while tasks are in flight: failures end sooner
-- failure_rate_low: lower end of its 95% interval (Wilson)
-- failure_rate_high: upper end of its 95% interval (Wilson)
--
-- See failure_rate_hourly for the formula. Left out are tasks without a submit_time: they belong to no day.
create or replace view failure_class_rates_daily as
from failure_class_rates_by(86400);
