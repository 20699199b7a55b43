-- The newest three tasks of each kind of failure that failure_pareto names.
with texts as (
    select distinct fail_reason, fail_class
    from cohort.tasks
    where status = 'FAILURE' and not identity_conflict
),

kinds as (
    select failure_pareto.position as number, reason, tasks, texts.fail_reason, texts.fail_class
    from failure_pareto
    inner join texts
        on cohort.failure_fingerprint(texts.fail_reason) is not distinct from failure_pareto.reason
        and texts.fail_class is not distinct from failure_pareto.fail_class
    where kinds = 1
)

select
    number,
    reason,
    kinds.tasks,
    tasks.source,
    tasks.task_id,
    row_number() over (
        partition by number
        order by coalesce(finish_time, first_terminal_at) desc nulls last, tasks.source, tasks.task_id
    ) as place,
from cohort.tasks
inner join kinds
    on tasks.fail_reason is not distinct from kinds.fail_reason
    and tasks.fail_class is not distinct from kinds.fail_class
where status = 'FAILURE' and not identity_conflict
qualify place <= 3;
