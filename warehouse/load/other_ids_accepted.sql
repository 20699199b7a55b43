-- The sources whose gateways answer under ids of their own: those configured by their settings, others as their last run
-- that says whether theirs does.
--
-- $configured: the sources configured; $accepting: those of them of which it holds
select unnest($accepting::varchar []) as source
union all
select source
from runs
where not list_contains($configured::varchar [], source)
group by source
having coalesce(arg_max(try_cast(summary ->> '$.accept_other_ids' as boolean), finished_at), false);
