-- Is a backlog building up, and how long would it take to clear?
-- Asked by: SRE.
select source, action, in_flight, arrivals_per_hour, ends_per_hour, clearing_seconds, clearing_seconds_high,
from backlog
order by arrivals_per_hour - ends_per_hour desc, in_flight desc;
