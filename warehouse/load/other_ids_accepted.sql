-- The sources whose gateways use ids of their own in answers: for configured sources by their settings, for others by
-- their last run that recorded it.
--
-- $configured: the configured sources; $accepting: those of them whose gateways use ids of their own
select unnest($accepting::varchar []) as source
union all
select source
from runs
where not list_contains($configured::varchar [], source)
group by source
having coalesce(arg_max(try_cast(summary ->> '$.accept_other_ids' as boolean), finished_at), false);
