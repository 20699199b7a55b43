-- One row: the version of the tables, views and macros in this database, so that another version of avatar-tasks
-- updates them.
--
-- fingerprint: BLAKE2b-128 of all their definitions, in hex
-- state: `log-of:before>after`: changed by every load; it shows whether a DuckDB log belongs to this file
create table if not exists catalog_version (
    fingerprint varchar,
    state varchar
);
