-- Whose fault failures are: one row per class.
select fail_class, count(*) as tasks, count(*) / sum(count(*)) over () as share
from tasks
where status = 'FAILURE'
group by all
order by tasks desc, fail_class;
