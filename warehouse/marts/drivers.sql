-- One row per dimension and value, of the tasks submitted in the seven days before the newest one: drivers_between for
-- these days, which explains the method.
--
-- dimension: a column of task_dimensions
-- value: its value as text; NULL for tasks without one
-- n: tasks that have ended, with this value
-- share: n as a share of all tasks counted for the dimension
-- failed: those of the n that failed
-- failure_rate: failed / n
-- failure_rate_low: lower end of its 95% interval (Wilson)
-- failure_rate_high: upper end of its 95% interval (Wilson)
-- p50_seconds: median latency of the succeeded, interpolated; NULL when there is none
-- p50_seconds_low: lower end of its 95% interval; NULL below 20 successes
-- p50_seconds_high: upper end of its 95% interval; NULL below 20 successes
-- p95_seconds: 95th percentile of the latency of the succeeded, interpolated; NULL when there is none
-- p95_seconds_low: lower end of its 95% interval; NULL below 20 successes
-- p95_seconds_high: upper end; NULL below 20 successes, or if the interval ends beyond the longest latency
-- failure_effect: adjusted difference of failure rates, value minus others; NULL without others
-- failure_effect_low: lower end of its 95% interval
-- failure_effect_high: upper end of its 95% interval
-- failure_p_value: chance of a difference at least this large if there is none; NULL with too few tasks for the test
-- failure_q_value: smallest false discovery rate at which the difference is significant, over all rows; NULL without a
--   p-value
-- latency_effect: adjusted ratio of typical latencies, value to others; 1 is no difference
-- latency_effect_low: lower end of its 95% interval
-- latency_effect_high: upper end of its 95% interval
-- latency_p_value: as failure_p_value, for latency
-- latency_q_value: as failure_q_value, for latency
-- is_clear: whether one of the two q-values is at most 0.03
create or replace view drivers as
from drivers_between(
    (select max(submit_time) - interval 7 days from tasks where not identity_conflict),
    'infinity'::timestamptz
);
