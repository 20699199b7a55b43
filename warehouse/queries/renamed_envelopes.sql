-- Tasks that came to a run under other names than the endpoint documents, and so are in quarantine: how many answers, and
-- the first of them by id. No row where there are none.
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
