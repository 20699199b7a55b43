-- When the gateways last answered, as of $now, in one row.
--
-- last_answer_at: when the last usable answer came
-- stale_sources: sources with ids that have been due for an hour without a usable answer; NULL when there are none
select
    max(last_answer_at) as last_answer_at,
    string_agg(source, ', ' order by source) filter (
        where is_stale and epoch(oldest_due_at) < epoch($now::timestamptz) - 3600
    ) as stale_sources,
from collection_freshness_at($now::timestamptz);
