-- What did it cost, and how much of it went into tasks that failed?
select
    source,
    action,
    count(quota) as tasks_with_known_cost,
    sum(quota) as quota,
    sum(quota) filter (where status = 'FAILURE') as quota_of_failures,
from tasks
group by source, action
order by quota desc nulls last;
