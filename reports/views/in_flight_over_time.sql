-- One row per bin of time in the cohort's range, at most 240: how many tasks of the chosen kinds were in flight,
-- including those submitted before the range. From in_flight_by_minute.
--
-- bin_start: the first instant of the bin
-- minutes: minutes of the bin for which in_flight_by_minute has a row
-- most_in_flight: maximum number in flight at the end of a minute of the bin, by the middle estimate
-- most_at: the first minute with that number
-- mean_in_flight: average over the minutes of the bin, by the middle estimate
-- mean_low, mean_high: the same, if every task without a known time of its end had ended as early, or as late, as
--   possible
-- submitted: tasks submitted in the bin
-- ended: tasks that ended in the bin
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
