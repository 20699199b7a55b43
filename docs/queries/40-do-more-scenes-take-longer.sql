-- Do videos with more scenes (`pt_infos`) take longer, and do they fail more?
-- Asked by: product owner.
select value::integer as scenes, n, failure_rate, failure_rate_low, failure_rate_high, p50_seconds, p95_seconds, is_clear,
from drivers
where dimension = 'pt_count' and value is not null
order by scenes;
