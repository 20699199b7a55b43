-- One row per source, as of now: when the source last gave a usable answer. If it gave none for a while, the current
-- state is unknown, not good.
--
-- source: which gateway
-- last_answer_at: when the last usable answer came: one with a task, or that an id is missing, but not a refusal or an
--   error; NULL if there was none
-- last_load_at: when the last loaded run ended; NULL if there is none
-- oldest_due_at: since when the longest overdue id has been due; NULL when none is due
-- is_stale: whether no usable answer came for an hour
create or replace view collection_freshness as
from collection_freshness_at(now());
