-- When was it busiest: how many tasks were under way at most, day by day?
-- Asked by: product owner.
-- `low` and `high` assume that every task whose end has no time ended as early, or as late, as possible.
with together as (
    select source, minute, sum(low) as low, sum(middle) as middle, sum(high) as high,
    from in_flight_by_minute
    group by source, minute
)

select source, minute as at_minute, middle as most_in_flight, low, high,
from together
qualify row_number() over (partition by source, floor(epoch(minute) / 86400) order by middle desc, minute) = 1
order by source, minute;
