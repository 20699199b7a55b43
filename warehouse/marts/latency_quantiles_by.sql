-- One row per bucket of submit_time in a time zone, source, action and q (0.5, 0.9, 0.95, 0.99):
-- latency_quantiles_by(bucket, zone), e.g. latency_quantiles_by('week', 'Asia/Shanghai'): the time by which that share of
-- the tasks of the bucket has ended, in success or failure, with those in flight taken into account.
--
-- bucket_start: the first instant of the bucket; bucket and zone as in the macro bucket_start
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- q: the share of tasks
-- is_partial: whether the bucket is not over, or tasks of it still run (see is_bucket_partial): what follows will change
-- n: tasks of the bucket with a duration: those that ended, and those seen running
-- censored: of these, those seen running
-- seconds: the first time at which survival is 1 - q or less; NULL when it is not reached
-- seconds_low: lower end of its 95% interval; NULL when it is not reached
-- seconds_high: upper end; NULL when it is not reached
--
-- Formulas and sources as in latency_quantiles.
create or replace macro latency_quantiles_by(bucket, zone := 'UTC') as table
with curve as (
    select
        *,
        survival_bound(survival, greenwood, -1.959963984540054) as survival_low,
        survival_bound(survival, greenwood, 1.959963984540054) as survival_high,
    from latency_life_table_within('-infinity', 'infinity', bucket, zone)
),

counted as (
    select bucket_start, source, action, sum(succeeded + failed + censored)::bigint as n, sum(censored)::bigint as censored,
    from curve
    group by bucket_start, source, action
),

reached as (
    select
        curve.bucket_start,
        curve.source,
        curve.action,
        shares.q,
        min(t_seconds) filter (where survival <= 1 - q + 1e-9) as seconds,
        min(t_seconds) filter (where survival_low <= 1 - q + 1e-9) as seconds_low,
        min(t_seconds) filter (where survival_high <= 1 - q + 1e-9 and survival > 0) as seconds_high,
    from curve
    cross join (select unnest([0.5, 0.9, 0.95, 0.99]::double[]) as q) as shares
    group by curve.bucket_start, curve.source, curve.action, shares.q
)

select
    reached.bucket_start,
    reached.source,
    reached.action,
    reached.q,
    is_bucket_partial(
        bucket_end(reached.bucket_start, bucket, zone),
        counted.censored,
        kind_follow_up.last_observed_at,
        kind_follow_up.settle_seconds
    ) as is_partial,
    counted.n,
    counted.censored,
    reached.seconds,
    reached.seconds_low,
    reached.seconds_high,
from reached
inner join counted
    on reached.bucket_start = counted.bucket_start
    and reached.source = counted.source
    and reached.action is not distinct from counted.action
left join kind_follow_up
    on reached.source = kind_follow_up.source
    and reached.action is not distinct from kind_follow_up.action;
