-- Sources whose gateways have not known many ids for some time: one row per source.
--
-- $moment
select
    storms.source,
    storms.since,
    storms.missing_ids,
    storms.answered_ids,
    count(pending.task_id) as missing_now,
    count(pending.status) as seen_before,
from lasting_storms_at($moment) as storms
left join pending on storms.source = pending.source and pending.last_outcome = 'missing'
group by all
order by storms.source;
