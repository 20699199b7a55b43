-- The number of answers of a run that came in a response for several tasks: a page of the gateway's list, or the
-- response to a request for many ids.
--
-- $run_id
select count(*) as answers
from observations
where run_id = $run_id and attempts = 0 and refusals = 0;
