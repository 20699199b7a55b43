-- How many ids of each source are pending and not given up: one row per source.
--
-- $now: as of when
select source, count(*) as ids,
from due_tasks_at($now)
group by source
order by source;
