-- Are we keeping our objectives, what is left of the month's error budget, and will it last?
-- Asked by: SRE.
select
    objective, month_start, good, total, attainment, target, error_budget, budget_left, budget_left_share, will_last,
    last_observed_at, is_stale,
from slo_monthly
order by objective, month_start;
