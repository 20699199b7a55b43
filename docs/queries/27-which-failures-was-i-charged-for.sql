-- Which failures was I charged for, and by which ids do I claim them?
-- Asked by: finance.
select source, task_id, provider_task_id, request_id, amount, currency, rule, reason, submit_time, objective_missed,
from refund_claims
order by amount desc, submit_time, task_id;
