-- What share of tasks is still running after one, two, five and ten minutes?
with moments as (
    select unnest([60, 120, 300, 600]) as after_seconds
)

select
    curve.source,
    curve.action,
    moments.after_seconds,
    arg_max(curve.survival, curve.t_seconds) as still_running,
    arg_max(curve.survival_low, curve.t_seconds) as low,
    arg_max(curve.survival_high, curve.t_seconds) as high,
from latency_survival as curve
inner join moments on curve.t_seconds <= moments.after_seconds
group by all
order by curve.source, curve.action, moments.after_seconds;
