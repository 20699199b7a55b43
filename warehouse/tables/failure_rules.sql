-- One row per rule that says whose fault a failure is, in force from analysis.toml; the first that matches decides. A
-- failure whose reason no rule matches is of the class unknown.
--
-- position: order of the rules, from 1
-- name: what the rule is called in fail_rule of tasks; no two have the same
-- pattern: regular expression for the fail_reason, case ignored
-- fail_class: provider, gateway, gateway_timeout, content_policy, input, account, rate_limit, network, cancelled or
--   unknown
-- is_refunded: whether the gateway refunds such failures
create table if not exists failure_rules (
    position integer,
    name varchar,
    pattern varchar,
    fail_class varchar,
    is_refunded boolean
);
