-- Is it failing more than usual lately?
-- Where the interval of an hour lies wholly above the rate of all hours, it is more than bad luck.
with usual as (
    select source, action, sum(failed) / sum(succeeded + failed) as usual_rate,
    from failure_rate_hourly
    group by source, action
)

select
    bucket_start,
    source,
    action,
    succeeded + failed as ended,
    failure_rate,
    failure_rate_low,
    usual_rate,
    projected_failure_rate,
    failure_rate_low > usual_rate as is_more_than_usual,
from failure_rate_hourly
inner join usual using (source, action)
order by bucket_start desc, source, action
limit 48;
