-- One row per list of ids, i.e. per source and minute in which ids were accepted: were its ids selected from tasks that
-- were still running, or regardless of their status? If only running tasks were selected, no task that ended earlier
-- can be in the list (left truncation): its tasks join the risk set at their age then, entry_seconds in task_latency.
--
-- source: which gateway the ids belong to
-- accepted_minute: beginning of the minute in which the list was accepted
-- tasks: tasks of the list that were submitted before it was accepted and have a duration; a task that is also in an
--   earlier list is only counted there
-- ended: those of them that had ended when the list was accepted
-- expected_ended: how many would have ended if tasks had been selected regardless of their status, by the curve of
--   their kind at their ages; NULL if nothing is known of their kind
-- drawn_from: running, all or unclear; unclear counts as all, and data_quality reports it (drawn_from_unclear)
-- decided_by: setting (--drawn-from, or the gateway's own list, which has all); age (hardly any could have ended yet,
--   so it makes no difference); list (its own counts); source (the sum of the counts of all lists of the source that
--   are too small to decide alone; if the sum is too small as well, the way its other lists were drawn, if these agree)
--
-- If k of the tasks had ended and e are expected, the chance of k or fewer is at most exp(k - e) (e / k)^k in a list
-- drawn from all (Chernoff's bound for a sum of independent events). A list was drawn from running tasks if k <= e / 10
-- and that chance is below 1 in 1,000; from all if k >= 3 and that chance is above 1 in 20. "Hardly any" is e < 2% of
-- the tasks. The curve of a kind is Kaplan-Meier over bins of time (each 4% longer than the one before) of the tasks
-- that were running when they were accepted, each from its age at that time, so it is right regardless of how lists
-- were drawn. Bins with fewer than five at risk are skipped. Tasks that were accepted before they were submitted
-- (because of a wrong clock) are ignored.
create or replace view accepted_lists as
with aged as materialized (
    select
        source,
        action,
        epoch_us(requested_at) // 60_000_000 as minute_number,
        (epoch_us(requested_at) - epoch_us(submit_time)) / 1e6 as age_seconds,
        if(is_terminal, latency_seconds, (epoch_us(last_observed_at) - epoch_us(submit_time)) / 1e6)
            as observed_seconds,
        is_terminal,
        is_terminal and latency_seconds <= age_seconds as had_ended,
    from tasks
    where
        status <> 'UNKNOWN'
        and not identity_conflict
        and requested_at >= submit_time
        and (latency_seconds is not null or not is_terminal)
),

cells as (
    select
        source,
        action,
        age_bin(age_seconds) as entry_bin,
        age_bin(observed_seconds) as exit_bin,
        count(*) as tasks,
        count(*) filter (where is_terminal) as ended,
    from aged
    where not had_ended and age_bin(age_seconds) < age_bin(observed_seconds)
    group by all
),

steps as (
    select source, action, exit_bin as bin, tasks as joined, ended,
    from cells
    union all
    select source, action, entry_bin as bin, -tasks as joined, 0 as ended,
    from cells
),

hazards as (
    select
        source,
        action,
        bin,
        sum(ended) as ended,
        sum(sum(joined)) over (partition by source, action order by bin desc rows unbounded preceding) as at_risk,
    from steps
    group by source, action, bin
),

kinds as (
    select source, action,
    from hazards
    group by source, action
    having max(at_risk) >= 5
),

-- One row per kind and bin (the last bin is at three hundred years), with the share that has ended before it.
curves as (
    select
        kinds.source,
        kinds.action,
        bins.bin,
        1 - exp(
            coalesce(
                sum(ln(greatest(1 - hazards.ended / hazards.at_risk, 1e-9))) filter (where hazards.at_risk >= 5) over (
                    partition by kinds.source, kinds.action
                    order by bins.bin
                    rows between unbounded preceding and 1 preceding
                ),
                0
            )
        ) as share_ended,
    from kinds
    cross join (select unnest(range(0, 533))::smallint as bin) as bins
    left join hazards
        on kinds.source = hazards.source
        and kinds.action is not distinct from hazards.action
        and bins.bin = hazards.bin
),

counted as (
    select
        aged.source,
        aged.minute_number,
        count(*) as tasks,
        count(*) filter (where aged.had_ended) as ended,
        sum(curves.share_ended) as expected_ended,
    from aged
    left join curves
        on aged.source = curves.source
        and aged.action is not distinct from curves.action
        and curves.bin = age_bin(aged.age_seconds)
    group by aged.source, aged.minute_number
),

settings as (
    select source, epoch_us(requested_at) // 60_000_000 as minute_number, max(if(drawn_from = 'gateway', 'all', drawn_from)) as drawn_from,
    from requests
    where drawn_from is not null
    group by all
),

judged as (
    select
        counted.*,
        settings.drawn_from as setting,
        drawn_from_counts(ended, expected_ended) as verdict,
        coalesce(expected_ended < 0.02 * tasks, false) as is_young,
        setting is null and verdict is null and not is_young as is_small,
    from counted
    left join settings on counted.source = settings.source and counted.minute_number = settings.minute_number
),

-- Lists that are too small to decide alone: by the sum of their counts, or else by the other lists, if these agree.
pooled as (
    select
        *,
        coalesce(sum(ended) filter (where is_small) over lists, 0) as small_ended,
        sum(expected_ended) filter (where is_small) over lists as small_expected,
        bool_and(coalesce(setting, verdict) = 'running') over lists as are_running,
        bool_and(coalesce(setting, verdict) = 'all') over lists as are_all,
        coalesce(
            drawn_from_counts(small_ended, small_expected),
            case
                when are_running and small_ended <= small_expected / 10 then 'running'
                when are_all then 'all'
            end
        ) as pooled_verdict,
    from judged
    window lists as (partition by source)
)

select
    source,
    to_timestamp(minute_number * 60) as accepted_minute,
    tasks,
    ended,
    expected_ended,
    coalesce(setting, verdict, if(is_young, 'all', coalesce(pooled_verdict, 'unclear'))) as drawn_from,
    case
        when setting is not null then 'setting'
        when verdict is not null then 'list'
        when is_young then 'age'
        else 'source'
    end as decided_by,
from pooled;
