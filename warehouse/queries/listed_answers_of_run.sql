-- The number of answers that a run got together with others, in pages of the gateway's list or to a request for many
-- ids.
--
-- $run_id
select count(*) as answers
from observations
where run_id = $run_id and attempts = 0 and refusals = 0;
