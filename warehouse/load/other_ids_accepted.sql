-- The sources whose gateways answer under ids of their own: this one by the current settings, others by their last runs.
--
-- $source; $is_accepted: whether the setting holds for it
select $source as source where $is_accepted
union all
select source
from runs
where source <> $source
group by source
having arg_max(coalesce(try_cast(summary ->> '$.accept_other_ids' as boolean), false), finished_at);
