-- When was it busiest: how many tasks were under way at most, day by day?
-- `low` and `high`: if every task whose end has no time had ended as early, or as late, as it can have.
with together as (
    select source, minute, sum(low) as low, sum(middle) as middle, sum(high) as high, sum(submitted) as submitted,
    from in_flight_by_minute
    group by source, minute
)

select
    source,
    to_timestamp(floor(epoch(minute) / 86400) * 86400) as day,
    max(middle) as most_in_flight,
    arg_max(minute, middle) as at_minute,
    arg_max(low, middle) as low,
    arg_max(high, middle) as high,
    sum(submitted) as submitted,
from together
group by 1, 2
order by source, day;
