-- One row per current rule that classifies failures by their cause, from analysis.toml; the first rule that matches
-- decides. A failure whose reason matches no rule has the class unknown.
--
-- position: order of the rules, from 1
-- name: the rule's unique name, in fail_rule of tasks
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
