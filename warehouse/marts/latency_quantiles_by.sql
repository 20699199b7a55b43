-- One row per bucket of submit_time in a time zone, source, action and q (0.5, 0.9, 0.95, 0.99):
-- latency_quantiles_by(bucket, zone), e.g. latency_quantiles_by('week', 'Asia/Shanghai'): the time by which that share
-- of the tasks of the bucket has ended, in success or failure, with those in flight taken into account.
--
-- bucket_start: the first instant of the bucket; bucket and zone as in the macro bucket_start
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- q: the share of tasks
-- is_partial: whether the bucket is not over, or some of its tasks still run (see is_bucket_partial): the figures may
--   change
-- n: tasks of the bucket with a duration: those that ended, and those seen running
-- censored: of these, those seen running
-- seconds: the first time at which survival is 1 - q or less; NULL when it is not reached
-- seconds_low: lower end of its 95% interval; NULL when it is not reached
-- seconds_high: upper end; NULL when it is not reached
--
-- Formulas and sources as in latency_quantiles.
create or replace macro latency_quantiles_by(bucket, zone := 'UTC') as table
with curve as materialized (
    select
        *,
        survival_bound(survival, greenwood, -1.959963984540054) as survival_low,
        survival_bound(survival, greenwood, 1.959963984540054) as survival_high,
        levels_reached(survival) + levels_reached(survival_low) + levels_reached(survival_high) as reached,
    from latency_bins_by(bucket, zone)
),

-- Only the bins in which the curve, or a bound of its interval, reaches one of the shares are evaluated time by time.
crossed as (
    select
        bucket_start,
        source,
        action,
        unnest(list_sort(times)) as t_seconds,
        at_risk - generate_subscripts(times, 1) as left_over,
        survival_before * left_over / at_risk as survival,
        greenwood_before + coalesce(1 / nullif(left_over, 0) - 1 / at_risk, 0) as greenwood,
    from (select *, lag(reached, 1, 0) over (partition by curve_number order by t_seconds) as reached_before, from curve)
    where reached <> reached_before and list_min(times) < t_seconds
),

points as (
    select bucket_start, source, action, t_seconds, survival, survival_low, survival_high, leaving, censored,
    from curve
    union all
    select
        bucket_start,
        source,
        action,
        t_seconds,
        survival,
        survival_bound(survival, greenwood, -1.959963984540054) as survival_low,
        survival_bound(survival, greenwood, 1.959963984540054) as survival_high,
        0 as leaving,
        0 as censored,
    from crossed
),

counted as (
    select
        bucket_start,
        source,
        action,
        sum(leaving)::bigint as n,
        sum(censored)::bigint as censored,
        [
            {
                'q': 0.5::double,
                'seconds': min(t_seconds) filter (where survival <= 0.5 + 1e-9),
                'seconds_low': min(t_seconds) filter (where survival_low <= 0.5 + 1e-9),
                'seconds_high': min(t_seconds) filter (where survival_high <= 0.5 + 1e-9 and survival > 0),
            },
            {
                'q': 0.9::double,
                'seconds': min(t_seconds) filter (where survival <= 0.1 + 1e-9),
                'seconds_low': min(t_seconds) filter (where survival_low <= 0.1 + 1e-9),
                'seconds_high': min(t_seconds) filter (where survival_high <= 0.1 + 1e-9 and survival > 0),
            },
            {
                'q': 0.95::double,
                'seconds': min(t_seconds) filter (where survival <= 0.05 + 1e-9),
                'seconds_low': min(t_seconds) filter (where survival_low <= 0.05 + 1e-9),
                'seconds_high': min(t_seconds) filter (where survival_high <= 0.05 + 1e-9 and survival > 0),
            },
            {
                'q': 0.99::double,
                'seconds': min(t_seconds) filter (where survival <= 0.01 + 1e-9),
                'seconds_low': min(t_seconds) filter (where survival_low <= 0.01 + 1e-9),
                'seconds_high': min(t_seconds) filter (where survival_high <= 0.01 + 1e-9 and survival > 0),
            }
        ] as quantiles,
    from points
    group by bucket_start, source, action
),

reached as (
    select * exclude (quantiles), unnest(quantiles, recursive := true),
    from counted
)

select
    reached.bucket_start,
    reached.source,
    reached.action,
    reached.q,
    is_bucket_partial(
        bucket_end(reached.bucket_start, bucket, zone),
        reached.censored,
        kind_follow_up.last_observed_at,
        kind_follow_up.settle_seconds
    ) as is_partial,
    reached.n,
    reached.censored,
    reached.seconds,
    reached.seconds_low,
    reached.seconds_high,
from reached
left join kind_follow_up
    on reached.source = kind_follow_up.source
    and reached.action is not distinct from kind_follow_up.action;
