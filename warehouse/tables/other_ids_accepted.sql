-- One row per source whose gateway uses ids of its own in answers (setting ACCEPT_OTHER_IDS). For configured sources
-- the settings at the last load decide, for other sources the settings of their last run.
--
-- source: the source
create table if not exists other_ids_accepted (
    source varchar
);
