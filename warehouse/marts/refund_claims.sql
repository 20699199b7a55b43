-- One row per failed task that was charged and, according to a rule, not refunded: which failures was I charged for?
-- With the ids that a claim needs. `rule` is the rule of failure_rules that makes it a claim: the first that matched
-- its fail_reason, with `refunded = false` in analysis.toml. Whether the gateway refunded it nevertheless is only in
-- its own log.
--
-- source: which gateway the task belongs to
-- task_id: the gateway's id
-- provider_task_id: the provider's id (animate_id of works); NULL if no payload was received
-- request_id: of the answer that first showed the failure, if the gateway gave one
-- quota: what was charged when it was submitted
-- amount: the quota in currency: quota / quota_per_unit * price, by the table pricing
-- currency: the currency of the amount
-- reason: the fail_reason as it came
-- rule: name of the rule
-- submit_time: when the gateway accepted the task
-- finish_time: when it failed
-- objective_missed: the objectives that the task missed, by name; NULL when none holds for it
create or replace view refund_claims as
with claimed as (
    select
        tasks.*,
        tasks.quota / pricing.quota_per_unit * pricing.price as amount,
        pricing.currency,
    from tasks
    inner join failure_rules on tasks.fail_rule = failure_rules.name
    cross join pricing
    where
        tasks.status = 'FAILURE'
        and not failure_rules.is_refunded
        and tasks.quota > 0
        and not tasks.identity_conflict
),

-- There are usually few claims: works is read once for them, without building a hash table of it.
provided as (
    select source, task_id, animate_id,
    from works
    semi join claimed using (source, task_id)
),

requested as (
    select source, task_id, arg_min(request_id, observed_at) as request_id,
    from observations
    semi join claimed using (source, task_id)
    where status = 'FAILURE'
    group by source, task_id
),

missed as (
    select source, task_id, string_agg(objective, ', ' order by objective) as objective_missed,
    from slo_tasks
    semi join claimed using (source, task_id)
    where verdict = 'missed'
    group by source, task_id
)

select
    claimed.source,
    claimed.task_id,
    provided.animate_id as provider_task_id,
    requested.request_id,
    claimed.quota,
    claimed.amount,
    claimed.currency,
    claimed.fail_reason as reason,
    claimed.fail_rule as rule,
    claimed.submit_time,
    claimed.finish_time,
    missed.objective_missed,
from claimed
left join provided on claimed.source = provided.source and claimed.task_id = provided.task_id
left join requested on claimed.source = requested.source and claimed.task_id = requested.task_id
left join missed on claimed.source = missed.source and claimed.task_id = missed.task_id;
