-- The $first clearest steps of failures or latency among the tasks submitted in [$t0, $t1), in the order of time.
select
    source,
    action,
    metric,
    changed_at,
    changed_at_low,
    changed_at_high,
    before,
    after as now,
from (
    from change_points_between($t0::timestamptz, $t1::timestamptz)
    order by p_value, source, action, metric
    limit $first
)
order by changed_at, source, action, metric;
