-- What share of tasks is still running after one, two, five and ten minutes?
-- Asked by: product owner.
-- NULL beyond `followed_seconds`: no task was followed for that long.
select
    source,
    action,
    after_seconds,
    survival as still_running,
    survival_low as low,
    survival_high as high,
    followed_seconds,
from latency_survival_at([60, 120, 300, 600])
order by source, action, after_seconds;
