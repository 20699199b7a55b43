-- The summaries of some runs: one row per run, the object that `--json` prints.
--
-- $run_ids
select summary
from runs
where run_id in (select unnest($run_ids));
