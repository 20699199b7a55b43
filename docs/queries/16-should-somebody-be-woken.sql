-- Does an error budget burn so fast, right now, that somebody has to be woken?
select objective, window_hours, good, total, burn_rate, threshold, is_enough, is_burning,
from slo_burn
order by is_burning desc, objective, window_hours;
