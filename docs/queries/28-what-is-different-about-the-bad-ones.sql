-- What is different about the tasks that fail or take long, of the last seven days?
-- Asked by: product owner.
select dimension, value, n, failure_rate, failure_effect, latency_effect, is_clear,
from drivers
order by is_clear desc, least(failure_q_value, latency_q_value)
limit 20;
