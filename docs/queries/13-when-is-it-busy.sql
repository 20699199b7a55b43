-- When was it busiest: how many tasks were under way at most, day by day?
select
    source,
    to_timestamp(floor(epoch(minute) / 86400) * 86400) as day,
    max(in_flight) as most_in_flight,
    arg_max(minute, in_flight) as at_minute,
    sum(submitted) as submitted,
from in_flight_by_minute
group by 1, 2
order by source, day;
