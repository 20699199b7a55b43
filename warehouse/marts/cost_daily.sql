-- One row per day of submit_time in UTC, source and action: what the tasks cost. The quota of a task is what was
-- charged when it was submitted. Most failures are refunded, but their quota does not change: so the quota of a failed
-- task is not its cost. A failure counts as charged only if its rule in failure_rules (fail_rule) has is_refunded =
-- false; all other failures are likely to have been refunded. Amounts are quota / quota_per_unit * price, by the table
-- pricing, in its currency. They include only tasks whose quota is known: quota_known_share is their share.
--
-- bucket_start: the first instant of the day, UTC
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- tasks: tasks submitted in the day
-- quota_known_share: share of them whose quota is known; the others are in no sum
-- charged: charged_for_successes + charged_for_failures: what the tasks that ended cost
-- charged_for_successes: for those that succeeded
-- charged_for_failures: for those that failed and were not refunded, according to the rules
-- likely_refunded: what was charged for the other failures, and refunded if the gateway works correctly
-- charged_in_flight: charged for those that have not been seen to end; part of no other sum
-- charged_unknown: charged for those of status UNKNOWN; part of no other sum
-- per_success: charged / tasks that succeeded with a known quota; NULL when there are none
-- currency: the currency of the amounts
--
-- Left out are tasks without a submit_time (they belong to no day) and those with an identity_conflict.
create or replace view cost_daily as
with priced as (
    select
        to_timestamp(epoch_us(tasks.submit_time) // 86_400_000_000 * 86_400) as bucket_start,
        tasks.source,
        tasks.action,
        tasks.status,
        tasks.is_terminal,
        coalesce(failure_rules.is_refunded, true) as is_refunded,
        tasks.quota / pricing.quota_per_unit * pricing.price as amount,
        pricing.currency,
    from tasks
    left join failure_rules on tasks.fail_rule = failure_rules.name
    cross join pricing
    where tasks.submit_time is not null and not tasks.identity_conflict
)

select
    bucket_start,
    source,
    action,
    count(*) as tasks,
    count(amount) / count(*) as quota_known_share,
    coalesce(sum(amount) filter (where status = 'SUCCESS' or status = 'FAILURE' and not is_refunded), 0) as charged,
    coalesce(sum(amount) filter (where status = 'SUCCESS'), 0) as charged_for_successes,
    coalesce(sum(amount) filter (where status = 'FAILURE' and not is_refunded), 0) as charged_for_failures,
    coalesce(sum(amount) filter (where status = 'FAILURE' and is_refunded), 0) as likely_refunded,
    coalesce(sum(amount) filter (where not is_terminal and status <> 'UNKNOWN'), 0) as charged_in_flight,
    coalesce(sum(amount) filter (where status = 'UNKNOWN'), 0) as charged_unknown,
    charged / nullif(count(amount) filter (where status = 'SUCCESS'), 0) as per_success,
    any_value(currency) as currency,
from priced
group by bucket_start, source, action;
