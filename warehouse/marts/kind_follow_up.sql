-- One row per source and action: until when its tasks were followed, and the age from which on a running task will
-- probably never end. Tasks with an identity_conflict are left out.
--
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- last_observed_at: when a task of the source was last seen
-- settle_seconds: three times the p99 of the latency of those that ended: a task that runs longer will probably never
--   end; NULL when none has a latency
create or replace view kind_follow_up as
with kinds as (
    select
        source,
        action,
        3 * quantile_cont(latency_seconds, 0.99) as settle_seconds,
        max(last_observed_at) as kind_observed_at,
    from tasks
    where not identity_conflict
    group by source, action
)

select
    source,
    action,
    max(kind_observed_at) over (partition by source) as last_observed_at,
    settle_seconds,
from kinds;
