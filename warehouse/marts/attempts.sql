-- One row per piece of work: the tasks with the same template, picture and pt_infos that were submitted one after the
-- other until one succeeded. How many attempts are needed, and what do the failed ones cost?
--
-- source: which gateway the tasks belong to
-- work_hash: the hash of what was submitted, as in works
-- template_id: the template
-- first_task_id: the first attempt
-- last_task_id: the last attempt
-- attempts: tasks submitted for it
-- failed: those that failed
-- first_submit_time: when the first was submitted
-- last_submit_time: when the last was submitted
-- final_event: SUCCESS when one succeeded, FAILURE when all failed; NULL while one of them has not been seen to end
-- charged: the cost of attempts that succeeded, or failed and were not refunded according to the rules (see
--   cost_daily); NULL if the quota of all attempts is unknown
-- currency: the currency of charged
-- succeeded_at_attempt: number of the first that succeeded, from 1; NULL when none did
--
-- A task is another attempt if it was submitted within a day of the one before it, and before that one succeeded; else
-- it begins a new piece of work. Tasks for which no payload with pt_infos was received, and those without a
-- submit_time, are left out.
--
-- Most work is attempted once: for speed, only tasks that have the same hash as another are sorted and grouped.
create or replace view attempts as
with hashed as materialized (
    select
        tasks.source,
        tasks.task_id,
        tasks.status,
        tasks.submit_time,
        if(tasks.status = 'SUCCESS', coalesce(tasks.finish_time, tasks.first_terminal_at), null) as succeeded_at,
        works.template_id,
        works.work_hash,
        hash(works.work_hash, tasks.source) as short_hash,
        if(
            tasks.status = 'SUCCESS' or tasks.status = 'FAILURE' and not coalesce(failure_rules.is_refunded, true),
            tasks.quota / pricing.quota_per_unit * pricing.price,
            if(tasks.quota is null, null, 0)
        ) as amount,
        pricing.currency,
    from works
    inner join tasks on works.source = tasks.source and works.task_id = tasks.task_id
    left join failure_rules on tasks.fail_rule = failure_rules.name
    left join pricing on true
    where works.work_hash is not null and tasks.submit_time is not null and not tasks.identity_conflict
),

repeated as materialized (
    select short_hash
    from hashed
    group by short_hash
    having count(*) > 1
),

begun as (
    select
        *,
        coalesce(
            epoch(submit_time) - epoch(lag(submit_time) over earlier) > 86400
                or lag(succeeded_at) over earlier <= submit_time,
            lag(submit_time) over earlier is null
        ) as is_first,
    from hashed
    semi join repeated on hashed.short_hash = repeated.short_hash
    window earlier as (partition by source, work_hash order by submit_time, task_id)
),

pieces as (
    select
        *,
        sum(is_first::integer) over (
            partition by source, work_hash order by submit_time, task_id rows unbounded preceding
        ) as piece,
    from begun
),

numbered as (
    select *, row_number() over (partition by source, work_hash, piece order by submit_time, task_id) as attempt,
    from pieces
)

select
    source,
    work_hash,
    any_value(template_id) as template_id,
    arg_min(task_id, attempt) as first_task_id,
    arg_max(task_id, attempt) as last_task_id,
    count(*) as attempts,
    count(*) filter (where status = 'FAILURE') as failed,
    min(submit_time) as first_submit_time,
    max(submit_time) as last_submit_time,
    case
        when bool_or(status = 'SUCCESS') then 'SUCCESS'
        when bool_and(status = 'FAILURE') then 'FAILURE'
    end as final_event,
    sum(amount) as charged,
    any_value(currency) as currency,
    min(attempt) filter (where status = 'SUCCESS') as succeeded_at_attempt,
from numbered
group by source, work_hash, piece
union all
select
    source,
    work_hash,
    template_id,
    task_id as first_task_id,
    task_id as last_task_id,
    1 as attempts,
    (status = 'FAILURE')::integer as failed,
    submit_time as first_submit_time,
    submit_time as last_submit_time,
    if(status in ('SUCCESS', 'FAILURE'), status, null) as final_event,
    amount as charged,
    currency,
    if(status = 'SUCCESS', 1, null) as succeeded_at_attempt,
from hashed
anti join repeated on hashed.short_hash = repeated.short_hash;
