-- The polling policy of each configured source, from the temp table `new_policies`, whose row without a source has the
-- common settings. Other sources with pending ids have the policy that their last run recorded; if none did, that of
-- $source.
--
-- $source: the source whose settings this load uses; NULL for the common settings
with by_runs as (
    select
        source,
        arg_max(try_cast(summary ->> '$.poll_min_seconds' as double), finished_at) as min_seconds,
        arg_max(try_cast(summary ->> '$.give_up_after_seconds' as double), finished_at) as give_up_after_seconds,
    from runs
    group by source
),

others as (
    select distinct source
    from pending
    anti join new_policies using (source)
)

from new_policies
where source is not null
union all
select
    others.source,
    own.age_share,
    coalesce(by_runs.min_seconds, own.min_seconds) as min_seconds,
    own.max_seconds,
    own.missing_limit,
    coalesce(by_runs.give_up_after_seconds, own.give_up_after_seconds) as give_up_after_seconds,
from others
cross join new_policies as own
left join by_runs on others.source = by_runs.source
where own.source is not distinct from $source::varchar;
