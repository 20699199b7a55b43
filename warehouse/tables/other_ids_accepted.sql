-- One row per source whose gateway answers under ids of its own (setting ACCEPT_OTHER_IDS): of the sources that are
-- configured by their settings, as of the last load; of other ones by those of their last run.
--
-- source: the source
create table if not exists other_ids_accepted (
    source varchar
);
