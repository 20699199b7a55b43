-- One row per bin of time in the cohort's range, up to 240 of them: how many tasks of the kinds chosen were under way,
-- whenever they were submitted; from in_flight_by_minute.
--
-- bin_start: the first instant of the bin
-- minutes: minutes of the bin that in_flight_by_minute has
-- most_in_flight: the most that were under way when a minute of it was over, by the middle estimate
-- most_at: the first such minute
-- mean_in_flight: average over its minutes, by the middle estimate
-- mean_low, mean_high: the same, if every task whose end has no time had ended as early, or as late, as it can have
-- submitted: tasks submitted in it
-- ended: tasks that ended in it
create view in_flight_over_time as
with bounds as (
    select
        bin_seconds,
        coalesce(since, '-infinity'::timestamptz) as since,
        coalesce(until, 'infinity'::timestamptz) as until,
    from filters
)

select
    to_timestamp(floor(epoch(minute) / bin_seconds) * bin_seconds) as bin_start,
    count(*) as minutes,
    max(middle) as most_in_flight,
    min_by(minute, {'fewer': -middle, 'at': minute}) as most_at,
    avg(middle) as mean_in_flight,
    avg(low) as mean_low,
    avg(high) as mean_high,
    sum(submitted)::bigint as submitted,
    sum(ended)::bigint as ended,
from pooled_always.in_flight_by_minute
cross join bounds
where minute >= since and minute < until
group by bin_start
order by bin_start;
