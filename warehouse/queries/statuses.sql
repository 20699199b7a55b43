-- Tasks by status, the most frequent first.
select status, count(*) as tasks
from tasks
group by all
order by tasks desc, status;
