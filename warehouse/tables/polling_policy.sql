-- One row per source: when its pending ids are polled again. Configured sources have their settings at the last load,
-- other sources the settings of their last run.
--
-- source: which gateway the ids belong to
-- age_share: polled again when this share of its age has passed since the last poll
-- min_seconds: but not sooner than this
-- max_seconds: nor later than this
-- missing_limit: an id that the gateway does not know is given up after this many polls
-- give_up_after_seconds: a task older than this is given up
create table if not exists polling_policy (
    source varchar,
    age_share double,
    min_seconds double,
    max_seconds double,
    missing_limit integer,
    give_up_after_seconds double
);
