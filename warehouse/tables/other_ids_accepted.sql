-- One row per source whose gateway uses ids of its own in answers (setting ACCEPT_OTHER_IDS): for configured sources by
-- their settings at the last load, for others by those of their last run.
--
-- source: the source
create table if not exists other_ids_accepted (
    source varchar
);
