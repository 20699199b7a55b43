-- Accept ids: `new_requests` holds the rows of some segments, any of which may be here already.
merge into requests as old
using (select distinct source, task_id, requested_at, run_id from new_requests) as new
on
    old.source = new.source
    and old.task_id = new.task_id
    and old.requested_at = new.requested_at
    and old.run_id = new.run_id
when not matched then insert by name;
