-- What did each month cost, and for what share of its tasks is that known?
-- Asked by: finance.
select
    source,
    date_trunc('month', bucket_start) as month,
    sum(tasks)::bigint as tasks,
    sum(quota_known_share * tasks) / sum(tasks) as quota_known_share,
    sum(charged) as charged,
    sum(charged_in_flight) as charged_in_flight,
    any_value(currency) as currency,
from cost_daily
group by source, month
order by month desc, source;
