-- Insert accepted ids: `new_requests` has the rows of some segments, any of which may be loaded already. To find those,
-- only rows that were accepted in the same time range are read.
--
-- $earliest, $latest: the range of their requested_at
insert into requests by name
select distinct source, task_id, requested_at, run_id, drawn_from
from new_requests
anti join (
    select * from requests where requested_at between $earliest and $latest
) as accepted
using (source, task_id, requested_at, run_id);
