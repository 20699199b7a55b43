-- One row: which tasks a report is about, and how long its buckets of time are.
--
-- timezone: whose local times buckets begin with
-- sources, actions, templates: those that are in; NULL for all
-- since, until: the range of submit_time, since included and until not; NULL for an open end
-- step_seconds: length of the buckets: the shortest that gives at most 60 of them and, below a day, holds 150
--   tasks on average; months are of any length. (Not bucket_seconds: a parameter of that name in a macro hides the column
--   inside its views)
-- bucket: the same as the macro bucket_start names it: 'week' and 'month', and in a time zone other than UTC 'day', begin
--   with a local day
-- bin_seconds: length of the bins of a curve that does not count tasks: the shortest that gives at most 240
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
