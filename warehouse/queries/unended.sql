-- Ids that were still polled when something was last archived: pending, and not given up by then. That time is used
-- rather than the clock, because with a clock that is years ahead every id would be too old.
select
    source,
    task_id,
from due_tasks_at((
    select least($limit::timestamptz, max(moment))
    from (
        select max(observed_at) as moment from observations
        union all
        select max(requested_at) as moment from requests
    )
));
