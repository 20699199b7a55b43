-- Answers of a run with a task under other names than the endpoint documents, which are in quarantine: their number,
-- and the first of them by id. No row if there are none.
--
-- $run_id
select
    count(*) as answers,
    min({'task_id': quarantine.task_id, 'detail': quarantine.detail}) as example,
from quarantine
semi join (
    select * from observations where run_id = $run_id and outcome = 'malformed'
) as of_run
    using (source, task_id, observed_at)
where quarantine.reason = 'renamed_envelope'
having count(*) > 0;
