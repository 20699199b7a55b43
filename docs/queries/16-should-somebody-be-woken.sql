-- Does an error budget burn so fast right now that an alert is due? (NULL: not known, because no usable answer came)
-- Asked by: SRE.
select
    objective, window_hours, good, total, burn_rate, threshold, p_value, smallest_total, is_enough,
    last_observed_at, is_stale, is_burning,
from slo_burn
order by is_burning desc, objective, window_hours;
