-- One row per current service objective, from analysis.toml.
--
-- name: its name
-- source: the gateway to which it applies; NULL for all
-- action: the action to which it applies; NULL for all
-- seconds: a task is good when it succeeded within this latency
-- target: the share of tasks that should be good, 0 to 1
create table if not exists objectives (
    name varchar,
    source varchar,
    action varchar,
    seconds double,
    target double
);
