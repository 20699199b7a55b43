-- One row per source, as of now: when the source last told us something. No answer for a while means that nothing is
-- known of since: stale is not green.
--
-- source: which gateway
-- last_answer_at: when the last usable answer came: one with a task, or that an id is missing; refusals and errors are
--   none; NULL when none has come
-- last_load_at: when the last run ended that is loaded; NULL when none is
-- oldest_due_at: since when the longest overdue id has been due; NULL when none is due
-- is_stale: whether no usable answer came for an hour
create or replace view collection_freshness as
from collection_freshness_at(now());
