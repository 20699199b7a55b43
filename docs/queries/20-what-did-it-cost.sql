-- What did it cost, and how much of it went into tasks that failed? (of the tasks whose cost is known)
-- Asked by: finance.
select
    source,
    action,
    sum(tasks)::bigint as tasks,
    sum(quota_known_share * tasks) / sum(tasks) as quota_known_share,
    sum(charged) as charged,
    sum(charged_for_failures) as charged_for_failures,
    sum(likely_refunded) as likely_refunded,
    any_value(currency) as currency,
from cost_daily
group by source, action
order by charged desc nulls last;
