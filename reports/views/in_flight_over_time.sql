-- One row per bin of time in the cohort's range, up to 240 of them: how many tasks of the kinds chosen were under way,
-- whenever they were submitted; from in_flight_by_minute.
--
-- bin_start: the first instant of the bin
-- most_in_flight: the most that were under way when a minute of it was over
-- mean_in_flight: average over its minutes
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
    max(in_flight) as most_in_flight,
    avg(in_flight) as mean_in_flight,
    sum(submitted)::bigint as submitted,
    sum(ended)::bigint as ended,
from pooled_always.in_flight_by_minute
cross join bounds
where minute >= since and minute < until
group by bin_start
order by bin_start;
