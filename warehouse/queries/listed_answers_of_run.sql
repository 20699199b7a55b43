-- The answers that came to a run in pages of the gateway's list, without a request of their own.
--
-- $run_id
select count(*) as answers
from observations
where run_id = $run_id and attempts = 0 and refusals = 0;
