-- Whose fault are the failures?
select fail_class, count(*) as tasks, count(*) / sum(count(*)) over () as share,
from task_latency
where event = 'FAILURE'
group by fail_class
order by tasks desc;
