-- What changed from the period [$a0, $a1) to [$b0, $b1), over all tasks: one row per metric.
select
    metric,
    n_a as tasks_before,
    n_b as tasks_now,
    a as before,
    b as now,
    difference,
    difference_low as low,
    difference_high as high,
    mix_adjusted_difference as like_with_like,
    p_value,
    q_value,
    is_clear,
from period_comparison($a0::timestamptz, $a1::timestamptz, $b0::timestamptz, $b1::timestamptz)
where is_total
order by metric;
