-- What makes the slow ones slow: waiting or running?
-- Asked by: SRE.
select source, action, slow, p50_seconds, p90_seconds, waiting_share, running_share, unknown_start_share,
from slow_tail
order by excess_seconds desc;
