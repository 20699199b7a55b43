-- Ids that this load says something about and whose end has not been seen; the others are no longer pending.
delete from pending
using touched
where pending.source = touched.source and pending.task_id = touched.task_id;

insert into pending by name
select
    touched.source,
    touched.task_id,
    touched.requested_at,
    tasks.submit_time,
    tasks.status,
    touched.last_asked_at,
    coalesce(touched.asked_count, 0) as asked_count,
    coalesce(touched.missing_count, 0) as missing_count,
    touched.last_outcome,
from touched
left join tasks using (source, task_id)
where not coalesce(tasks.is_terminal, false);
