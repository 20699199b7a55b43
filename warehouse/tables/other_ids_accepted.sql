-- One row per source whose gateway answers under ids of its own (setting ACCEPT_OTHER_IDS): of the source of the last load
-- by its settings, of other ones by their last run.
--
-- source: the source
create table if not exists other_ids_accepted (
    source varchar
);
