-- How long does a task take, and how sure are we?
-- Asked by: product owner.
-- Running tasks are taken into account; `naive_seconds` is the quantile of the finished tasks only.
select source, action, q, seconds, seconds_low, seconds_high, naive_seconds,
from latency_quantiles
order by source, action, q;
