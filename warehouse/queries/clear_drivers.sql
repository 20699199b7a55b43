-- The first $first values whose tasks clearly fail more often or take longer than the others, of those submitted in
-- [$t0, $t1), the clearest first; the effect that is not clear is NULL. A weekday that came once is only a day: weekdays
-- are named in two weeks or more.
select
    dimension,
    value,
    n::bigint as tasks,
    if(failure_q_value <= 0.05, failure_effect, null) as failure_effect,
    if(failure_q_value <= 0.05, failure_effect_low, null) as failure_low,
    if(failure_q_value <= 0.05, failure_effect_high, null) as failure_high,
    if(latency_q_value <= 0.05, latency_effect, null) as latency_effect,
    if(latency_q_value <= 0.05, latency_effect_low, null) as latency_low,
    if(latency_q_value <= 0.05, latency_effect_high, null) as latency_high,
from drivers_between($t0::timestamptz, $t1::timestamptz)
where
    (failure_q_value <= 0.05 and failure_effect > 0 or latency_q_value <= 0.05 and latency_effect > 1)
    and (dimension <> 'weekday' or $t1::timestamptz - $t0::timestamptz >= interval 14 days)
order by least(failure_q_value, latency_q_value) nulls last, least(failure_p_value, latency_p_value), dimension, value
limit $first;
