-- The progress of some runs: the number of ids about which an answer of theirs is loaded.
--
-- $run_ids; $since: a time that none of their answers is older than, so that older rows need not be read
select count(distinct task_id)
from observations
where run_id in (select unnest($run_ids)) and observed_at >= $since;
