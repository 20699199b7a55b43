-- One row per source, action and q (0.5, 0.9, 0.95, 0.99): the time by which that share of tasks has ended, by success
-- or failure, with the tasks in flight taken into account.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- q: the share of tasks
-- seconds: the first time at which survival in latency_survival is 1 - q or less; NULL when it is not reached
-- seconds_low: lower end of its 95% interval: the first time at which survival_low is 1 - q or less; NULL when it is
--   not reached
-- seconds_high: upper end: the first time at which survival_high is 1 - q or less; NULL when it is not reached. The end
--   of the last task at risk (survival 0) does not count, because longer tasks are possible
-- naive_seconds: the quantile of the ended tasks only, interpolated (quantile_cont): too low while slow ones still
--   run, too high if lists were drawn from running tasks
--
-- Brookmeyer and Crowley, Biometrics 38 (1982) 29, on the log-log scale. 1e-9 allows for the rounding of a product of
-- shares.
create or replace view latency_quantiles as
with finished as (
    select
        source,
        action,
        unnest([0.5, 0.9, 0.95, 0.99]::double[]) as q,
        unnest(
            quantile_cont(latency_seconds, [0.5, 0.9, 0.95, 0.99]::double[]) filter (where is_terminal)
        ) as naive_seconds,
    from tasks
    where submit_time is not null and not identity_conflict
    group by source, action
)

select
    reached.source,
    reached.action,
    reached.q,
    reached.seconds,
    reached.seconds_low,
    reached.seconds_high,
    finished.naive_seconds,
from latency_quantiles_by('ever') as reached
inner join finished
    on reached.source = finished.source
    and reached.action is not distinct from finished.action
    and reached.q = finished.q;
