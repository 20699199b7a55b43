-- How far some runs are: the ids they have loaded an answer about.
--
-- $run_ids, $since (no answer of theirs is older)
select count(distinct task_id)
from observations
where run_id in (select unnest($run_ids)) and observed_at >= $since;
