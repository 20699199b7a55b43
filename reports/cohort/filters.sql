-- One row: which tasks a report is about, and how long its buckets of time are.
--
-- timezone: buckets begin with its local hours and days
-- sources, actions, templates: those that are included; NULL for all
-- since, until: the range of submit_time, since inclusive, until exclusive; NULL for an open end
-- step_seconds: length of the buckets: the shortest that gives at most 60 of them and, if it is below a day, 150 tasks
--   per bucket on average; 2592000 for calendar months. (Not named bucket_seconds: a macro's parameter of that name
--   would hide the column)
-- bucket: the same length as an argument of the macro bucket_start: a number of seconds, or 'week', 'month' or (in a
--   time zone other than UTC) 'day', which begin with a local day
-- bin_seconds: length of the bins of figures that are not by time of submission, such as tasks in flight: the shortest
--   that gives at most 240 of them
create table memory.filters as
with given as (
    select
        $sources::varchar[] as sources,
        $actions::varchar[] as actions,
        $templates::varchar[] as templates,
        $since::timestamptz as since,
        $until::timestamptz as until,
        $timezone::varchar as timezone,
),

spanned as (
    select
        greatest(coalesce(epoch(max(submit_time)) - epoch(min(submit_time)), 0), 1) as span_seconds,
        count(submit_time) as tasks,
    from published.tasks
    cross join given
    where
        submit_time >= coalesce(since, '-infinity'::timestamptz)
        and submit_time < coalesce(until, 'infinity'::timestamptz)
        and (sources is null or list_contains(sources, source))
        and (actions is null or list_contains(actions, action))
)

select
    * exclude (span_seconds, tasks),
    coalesce(
        list_filter(
            [3600, 10800, 21600, 43200, 86400, 604800],
            lambda bucket: span_seconds / bucket <= 60 and (bucket >= 86400 or tasks * bucket / span_seconds >= 150)
        )[1],
        2592000
    ) as step_seconds,
    case
        when step_seconds = 604800 then 'week'
        when step_seconds = 2592000 then 'month'
        when step_seconds = 86400 and timezone <> 'UTC' then 'day'
        else step_seconds::varchar
    end as bucket,
    coalesce(
        list_filter(
            [60, 300, 900, 1800, 3600, 10800, 21600, 86400, 604800, 2419200],
            lambda bin: span_seconds / bin <= 240
        )[1],
        31449600
    ) as bin_seconds,
from given
cross join spanned;
