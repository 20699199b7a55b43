-- One row per objective and window, of 1 and of 6 hours, up to now: how fast the error budget burns, and whether to
-- wake somebody (`from slo_burn where is_burning`). What counts, and by which thresholds, slo_burn_at says.
--
-- objective: name of the objective
-- source: which gateway the objective holds for; NULL for all
-- action: which action the objective holds for; NULL for all
-- seconds: the latency within which a task has to succeed
-- target: the share of tasks that should be good
-- window_hours: length of the window: 1 or 6
-- good: tasks that turned out good in the window
-- total: tasks that turned out good or missed in it
-- burn_rate: (total - good) / total / (1 - target); infinite for a miss where none is allowed; NULL when total is 0
-- threshold: the burn rate above which this window burns
-- is_enough: whether total is at least min_sample
-- is_burning: whether both windows burn, each on enough tasks: the same for both rows of an objective
create or replace view slo_burn as
from slo_burn_at(now());
