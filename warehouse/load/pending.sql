-- Ids that this load says something about and whose end has not been seen; the others are no longer pending.
delete from pending
using believed
where pending.source = believed.source and pending.task_id = believed.task_id;

insert into pending by name
select
    source,
    task_id,
    requested_at,
    submit_time,
    status,
    first_asked_at,
    last_asked_at,
    coalesce(asked_count, 0) as asked_count,
    coalesce(missing_count, 0) as missing_count,
    last_outcome,
from believed
where not coalesce(is_terminal, false);

drop table touched;
drop table believed;
