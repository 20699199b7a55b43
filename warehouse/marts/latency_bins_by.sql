-- One row per bucket of submit_time, source, action and bin of times at which tasks ended (see age_bin); in bins in which
-- a task was censored or joined late, per distinct time: latency_bins_by(bucket, zone), what latency_quantiles_by is made
-- of. Few rows, and yet exact: where none is censored and none joins, the product of Kaplan and Meier telescopes.
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
-- curve_number: a number for each bucket, source and action; another in each call
--
-- Left out are the tasks that latency_life_table_between leaves out.
create or replace macro latency_bins_by(bucket, zone) as table
-- A time zone costs more than all the rest, so it is asked once for each minute, or bucket of so many seconds.
with slots as (
    select slot, bucket_start(to_timestamp((slot + 0.5) * slot_seconds), bucket, zone) as bucket_start, slot_seconds,
    from (
        select distinct
            coalesce(try_cast(bucket as double), 60) as slot_seconds,
            floor(epoch_us(submit_time) / (1e6 * slot_seconds))::bigint as slot,
        from tasks
        where submit_time is not null
    )
),

cells as materialized (
    select
        slots.bucket_start,
        task_latency.source,
        task_latency.action,
        age_bin(observed_seconds) as bin,
        list(observed_seconds) filter (where event is not null) as ended,
        list(observed_seconds) filter (where event is null) as running,
        list(entry_seconds) filter (where entry_seconds > 0) as entries,
    from task_latency
    inner join slots
        on floor(epoch_us(submit_time) / (1e6 * coalesce(try_cast(bucket as double), 60)))::bigint = slots.slot
    where observed_seconds is not null and (observed_seconds > entry_seconds or entry_seconds = 0)
    group by slots.bucket_start, task_latency.source, task_latency.action, bin
),

curves as materialized (
    select *, row_number() over ()::integer as curve_number,
    from (select distinct bucket_start, source, action from cells)
),

numbered as materialized (
    select curves.curve_number, cells.bin, cells.ended, cells.running, cells.entries,
    from cells
    inner join curves
        on cells.bucket_start = curves.bucket_start
        and cells.source = curves.source
        and cells.action is not distinct from curves.action
),

joined as materialized (
    select curve_number, unnest(entries) as entry_seconds,
    from numbered
),

divided as (
    select numbered.*, running is not null or joined.bin is not null as is_divided,
    from numbered
    left join (select distinct curve_number, age_bin(entry_seconds) as bin from joined) as joined
        on numbered.curve_number = joined.curve_number and numbered.bin = joined.bin
),

changes as (
    select
        curve_number,
        list_max(ended) as t_seconds,
        len(ended)::double as fewer,
        len(ended)::double as leaving,
        len(ended)::double as ended,
        ended as times,
    from divided
    where not is_divided
    union all
    select curve_number, t_seconds, count(*), count(*), count(*) filter (where has_ended), list(t_seconds),
    from (
        select curve_number, unnest(ended) as t_seconds, true as has_ended,
        from divided
        where is_divided
        union all
        select curve_number, unnest(running) as t_seconds, false as has_ended,
        from divided
        where is_divided
    )
    group by curve_number, t_seconds
    union all
    -- A tenth of the unit of times, a microsecond, later: who joins at a time is not at risk at it.
    select curve_number, entry_seconds + 1e-7, -count(*), 0, 0, null,
    from joined
    group by curve_number, entry_seconds
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
        -- Where all that are at risk end, the logarithm has no value and is passed over.
        exp(coalesce(sum(ln(nullif(survived, 0))) over up_to_now, 0)) as product,
        coalesce(ended / (at_risk * nullif(at_risk - ended, 0)), 0) as greenwood_step,
        sum(greenwood_step) over up_to_now as greenwood,
    from counted
    where leaving > 0
    window up_to_now as (partition by curve_number order by t_seconds rows unbounded preceding)
)

select
    curves.bucket_start,
    curves.source,
    curves.action,
    estimated.t_seconds,
    estimated.at_risk,
    estimated.leaving,
    estimated.leaving - estimated.ended as censored,
    estimated.times,
    product / if(survived > 0, survived, 1) as survival_before,
    if(survived > 0 or not is_last, product, 0) as survival,
    greenwood - greenwood_step as greenwood_before,
    greenwood,
    estimated.curve_number,
from estimated
inner join curves on estimated.curve_number = curves.curve_number;
