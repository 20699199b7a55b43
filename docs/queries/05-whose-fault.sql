-- Whose fault are the failures, and how large a share of the tasks that ended is each class?
-- Asked by: product owner.
select
    fail_class,
    sum(failed)::bigint as failed,
    sum(failed) / sum(sum(failed)) over () as share_of_failures,
    sum(failed) / sum(ended) as failure_rate,
from failure_class_rates_daily
group by fail_class
order by failed desc;
