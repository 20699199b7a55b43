-- The $first clearest values whose tasks clearly fail more often or take longer than the others, among tasks submitted
-- in [$t0, $t1), the clearest first; an effect that is not clear is NULL. Latency is not compared by action, because it
-- is known that some actions take longer than others.
with found as (
    select
        *,
        failure_q_value <= 0.03 as is_failing,
        latency_q_value <= 0.03 and dimension <> 'action' as is_slow,
    from drivers_between($t0::timestamptz, $t1::timestamptz)
)

select
    dimension,
    value,
    n::bigint as tasks,
    if(is_failing, failure_effect, null) as failure_effect,
    if(is_failing, failure_effect_low, null) as failure_low,
    if(is_failing, failure_effect_high, null) as failure_high,
    if(is_slow, latency_effect, null) as latency_effect,
    if(is_slow, latency_effect_low, null) as latency_low,
    if(is_slow, latency_effect_high, null) as latency_high,
from found
where is_failing and failure_effect > 0 or is_slow and latency_effect > 1
order by
    least(if(is_failing, failure_q_value, null), if(is_slow, latency_q_value, null)),
    least(if(is_failing, failure_p_value, null), if(is_slow, latency_p_value, null)),
    dimension,
    value
limit $first;
