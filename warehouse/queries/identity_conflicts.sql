-- Tasks whose answers are proven to be about other tasks: one row per source that has any, with three examples.
select
    source,
    count(*) as tasks,
    min({'task_id': task_id, 'answered_id': coalesce(answered_id, answered_work_id)}, 3) as examples,
from tasks
where identity_conflict
group by source
order by source;
