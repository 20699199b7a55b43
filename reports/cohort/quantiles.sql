-- One row per source, action and q: the columns of latency_quantiles that a page shows. What it does not show takes as
-- long.
create view quantiles as
select source, action, q, seconds, seconds_low, seconds_high,
from latency_quantiles_by('ever');
