-- One row per rule that says whose fault a failure is, in force from analysis.toml; the first that matches decides.
--
-- position: order of the rules, from 1
-- pattern: regular expression for the fail_reason, case ignored
-- fail_class: provider, gateway, gateway_timeout, content_policy, input or unknown
create table if not exists failure_rules (
    position integer,
    pattern varchar,
    fail_class varchar
);
