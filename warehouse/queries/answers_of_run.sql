-- The answers of a run: one row per outcome.
--
-- $run_id
select outcome, count(*) as answers
from observations
where run_id = $run_id
group by all
order by all;
