-- One row per source, action and q: the columns of latency_quantiles that a page shows. Computing the other columns too
-- would take twice as long.
create view quantiles as
select source, action, q, seconds, seconds_low, seconds_high,
from latency_quantiles_by('ever');
