-- When the gateways last told us something, as of $now, in one row.
--
-- last_answer_at: when the last usable answer came
-- stale_sources: sources of which ids have been due for an hour without a usable answer; NULL when there is none
select
    max(last_answer_at) as last_answer_at,
    string_agg(source, ', ' order by source) filter (
        where is_stale and epoch(oldest_due_at) < epoch($now::timestamptz) - 3600
    ) as stale_sources,
from collection_freshness_at($now::timestamptz);
