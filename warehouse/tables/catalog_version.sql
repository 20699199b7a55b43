-- One row: which tables, views and macros stand in this file. Another version of avatar-tasks sees by it what to renew.
--
-- fingerprint: BLAKE2b-128 of all their definitions, in hex
create table if not exists catalog_version (
    fingerprint varchar
);
