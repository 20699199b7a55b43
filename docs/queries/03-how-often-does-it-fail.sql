-- How often does it fail, with and without the failures that the gateway itself makes?
-- Asked by: product owner.
select
    source,
    action,
    sum(failed) / sum(succeeded + failed) as failure_rate,
    sum(failed - gateway_failed) / sum(succeeded + failed - gateway_failed) as provider_failure_rate,
    sum(succeeded + failed) as ended,
from failure_rate_daily
group by source, action
order by failure_rate desc;
