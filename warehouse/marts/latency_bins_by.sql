-- One row per bucket of submit_time, source, action and bin of times at which tasks ended (see age_bin); in bins in
-- which a task was censored or joined late, one row per distinct time: latency_bins_by(bucket, zone), the basis of
-- latency_quantiles_by. It has few rows and is still exact: without censored and joining tasks, the product of Kaplan
-- and Meier telescopes.
--
-- bucket_start: the first instant of the bucket (see the macro bucket_start)
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- t_seconds: the last of the times
-- at_risk: tasks at risk just before the first of the times
-- leaving: tasks that ended or were last seen running at the times
-- censored: of these, tasks still running when last seen
-- times: the times of those that left, in any order
-- survival_before: survival just before the first of the times
-- survival: survival after the last of them, as in latency_life_table_between
-- greenwood_before: Greenwood's sum just before the first of the times
-- greenwood: Greenwood's sum after the last of them, as in latency_life_table_between
-- curve_number: a number for each bucket, source and action; it differs from call to call
--
-- Left out are the tasks that latency_life_table_between leaves out.
create or replace macro latency_bins_by(bucket, zone) as table
-- Converting to a time zone costs more than everything else, so it is done once for each minute. One of the two parts
-- is always empty, and DuckDB detects that before it reads anything.
with minutes as (
    select distinct epoch_us(submit_time) // 60_000_000 as minute_number,
    from tasks
    where submit_time is not null and bucket::varchar <> 'ever' and try_cast(bucket as double) is null
),

placed as (
    select minutes.bucket_start, task_latency.*,
    from task_latency
    inner join (
        select minute_number, bucket_start(to_timestamp(minute_number * 60 + 30), bucket, zone) as bucket_start,
        from minutes
    ) as minutes
        on epoch_us(task_latency.submit_time) // 60_000_000 = minutes.minute_number
    union all
    select bucket_start(submit_time, bucket, zone) as bucket_start, *,
    from task_latency
    where submit_time is not null and (bucket::varchar = 'ever' or try_cast(bucket as double) is not null)
),

cells as materialized (
    select
        bucket_start,
        source,
        action,
        age_bin(observed_seconds) as bin,
        list(observed_seconds) filter (where event is not null) as ended,
        list(observed_seconds) filter (where event is null) as running,
        list(entry_seconds) filter (where entry_seconds > 0) as entries,
        list(distinct age_bin(entry_seconds)) filter (where entry_seconds > 0) as entry_bins,
    from placed
    where observed_seconds is not null and (observed_seconds > entry_seconds or entry_seconds = 0)
    group by bucket_start, source, action, bin
),

divided as materialized (
    select
        * exclude (entry_bins),
        running is not null or coalesce(list_contains(flatten(list(entry_bins) over curve), bin), false) as is_divided,
        dense_rank() over (order by bucket_start, source, action)::integer as curve_number,
    from cells
    window curve as (partition by bucket_start, source, action)
),

changes as (
    select
        bucket_start,
        source,
        action,
        curve_number,
        list_max(ended) as t_seconds,
        len(ended)::double as fewer,
        len(ended)::double as leaving,
        len(ended)::double as ended,
        ended as times,
    from divided
    where not is_divided
    union all
    select
        bucket_start,
        source,
        action,
        curve_number,
        t_seconds,
        count(*) as fewer,
        count(*) as leaving,
        count(*) filter (where has_ended) as ended,
        list(t_seconds) as times,
    from (
        select bucket_start, source, action, curve_number, unnest(ended) as t_seconds, true as has_ended,
        from divided
        where is_divided
        union all
        select bucket_start, source, action, curve_number, unnest(running) as t_seconds, false as has_ended,
        from divided
    )
    group by all
    union all
    -- A task is not at risk yet at the time at which it joins, so it joins a tenth of a microsecond (the unit) later.
    select bucket_start, source, action, curve_number, unnest(entries) + 1e-7 as t_seconds, -1, 0, 0, null,
    from divided
),

counted as (
    select
        *,
        sum(fewer) over from_now_on as at_risk,
        row_number() over from_now_on = 1 as is_last,
    from changes
    window from_now_on as (partition by curve_number order by t_seconds desc rows unbounded preceding)
),

estimated as (
    select
        *,
        (at_risk - ended) / at_risk as survived,
        -- If all tasks at risk end, the logarithm is NULL, which the sum ignores.
        exp(coalesce(sum(ln(nullif(survived, 0))) over up_to_now, 0)) as product,
        coalesce(ended / (at_risk * nullif(at_risk - ended, 0)), 0) as greenwood_step,
        sum(greenwood_step) over up_to_now as greenwood,
    from counted
    where leaving > 0
    window up_to_now as (partition by curve_number order by t_seconds rows unbounded preceding)
)

select
    bucket_start,
    source,
    action,
    t_seconds,
    at_risk,
    leaving,
    leaving - ended as censored,
    times,
    product / if(survived > 0, survived, 1) as survival_before,
    if(survived > 0 or not is_last, product, 0) as survival,
    greenwood - greenwood_step as greenwood_before,
    greenwood,
    curve_number,
from estimated;
