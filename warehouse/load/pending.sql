-- Affected ids whose end has not been seen are pending; the others no longer are.
delete from pending
using winner
where pending.source = winner.source and pending.task_id = winner.task_id;

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
from winner
where not coalesce(is_terminal, false);

drop table affected;
drop table winner;
