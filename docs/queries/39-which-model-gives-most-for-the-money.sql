-- Which model costs least for each success, of the tasks whose quota is known?
-- Asked by: finance.
-- A failure counts as paid only where a rule of `failure_rules` says that it is not refunded.
select
    tasks.source,
    tasks.model,
    count(*) filter (where status = 'SUCCESS') as succeeded,
    sum(quota / quota_per_unit * price) filter (where status = 'SUCCESS' or not is_refunded) as paid,
    paid / nullif(succeeded, 0) as per_success,
from tasks cross join pricing
left join failure_rules on tasks.fail_rule = failure_rules.name
where quota is not null and not identity_conflict and status in ('SUCCESS', 'FAILURE')
group by tasks.source, tasks.model
order by per_success nulls last, tasks.model;
