-- What a run heard: one row per outcome of its answers.
--
-- $run_id
select outcome, count(*) as answers
from observations
where run_id = $run_id
group by all
order by all;
