-- Are we keeping our objectives, and what is left of the error budget?
select objective, bucket_start, good, total, attainment, target, budget_left, burn_rate,
from slo_daily
order by objective, bucket_start;
