-- Accept ids: `new_requests` holds the rows of some segments, any of which may be here already. Only what was accepted in
-- the same time has to be read for that.
--
-- $earliest, $latest: of their requested_at
insert into requests by name
select distinct source, task_id, requested_at, run_id
from new_requests
anti join (
    select * from requests where requested_at between $earliest and $latest
) as accepted
using (source, task_id, requested_at, run_id);
