-- One row: which tables, views and macros stand in this file. Another version of avatar-tasks sees by it what to renew.
--
-- fingerprint: BLAKE2b-128 of all their definitions, in hex
-- state: `log-of:before>after`: changed by every load, so that a log of DuckDB's tells which file it belongs to
create table if not exists catalog_version (
    fingerprint varchar,
    state varchar
);
