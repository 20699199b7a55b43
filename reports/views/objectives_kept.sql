-- One row per objective that applies to tasks of the cohort, over all months: was it met? From slo_monthly.
--
-- objective: name of the objective
-- source, action: the tasks to which it applies; NULL for all
-- seconds: the latency within which a task has to succeed
-- target: the share of tasks that should be good
-- good, missed, open: tasks that succeeded in time, that did not, and that are still running within the time
-- attainment: good / (good + missed)
-- budget_left_share, will_last, is_stale: the values of the newest month with tasks
create view objectives_kept as
with monthly as materialized (
    from cohort.slo_monthly
),

kept as (
    select
        objective,
        source,
        action,
        seconds,
        target,
        sum(good)::bigint as good,
        sum(missed)::bigint as missed,
        sum(open)::bigint as open,
        sum(good) / nullif(sum(good + missed), 0) as attainment,
    from monthly
    group by all
),

newest as (
    select objective, budget_left_share, will_last, is_stale,
    from monthly
    qualify row_number() over (partition by objective order by month_start desc) = 1
)

select kept.*, newest.* exclude (objective),
from kept
left join newest on kept.objective = newest.objective
order by seconds, kept.objective;
