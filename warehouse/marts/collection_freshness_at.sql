-- One row per source, as of an instant: collection_freshness_at(moment), or with stale_after_seconds := 900. When the
-- source last gave a usable answer. If it gave none for a while, the current state is unknown, not good.
--
-- source: which gateway
-- last_answer_at: when the last usable answer came: one with a task, or that an id is missing, but not a refusal or an
--   error; NULL if there was none
-- last_load_at: when the last loaded run ended; NULL if there is none
-- oldest_due_at: since when the longest overdue id has been due; NULL when none is due
-- is_stale: whether no usable answer came for stale_after_seconds, by default an hour
create or replace macro collection_freshness_at(moment, stale_after_seconds := 3600) as table
with answers as (
    select source, max(observed_at) filter (where outcome in ('task', 'missing')) as last_answer_at,
    from observations
    where observed_at <= moment::timestamptz
    group by source
),

loads as (
    select source, max(finished_at) as last_load_at, bool_or(command is distinct from 'maintain') as is_polled,
    from runs
    where finished_at <= moment::timestamptz
    group by source
),

due as (
    select source, min(due_at) as oldest_due_at,
    from due_tasks_at(moment)
    where is_due
    group by source
),

sources as (
    select source from answers
    union
    -- A run of `maintain` is about all sources: the source in its row may not exist.
    select source from loads where is_polled
    union
    select source from due
)

select
    sources.source,
    answers.last_answer_at,
    loads.last_load_at,
    due.oldest_due_at,
    coalesce(epoch(moment::timestamptz) - epoch(answers.last_answer_at) > stale_after_seconds, true) as is_stale,
from sources
left join answers on sources.source = answers.source
left join loads on sources.source = loads.source
left join due on sources.source = due.source;
