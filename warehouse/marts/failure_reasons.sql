-- One row per kind of failure, i.e. per fingerprint of the reason (see failure_fingerprint) and class, over all
-- sources: how many tasks failed for it. UNKNOWN is not a failure. By time, source and action: failure_reasons_by.
--
-- fingerprint: the reason without the parts that differ from task to task; NULL if the gateway gave no reason
-- fail_class: the cause, by failure_rules
-- tasks: tasks that failed for it
-- share: their share of all failed tasks
-- first_seen_at: when the first of them failed: its finish_time, or, if that is unknown, when it was first seen failed
-- last_seen_at: when the last of them failed
-- example: the reason of the last of them, as it came
-- example_task_id: the task with this reason
create or replace view failure_reasons as
with reasons as (
    select
        fail_reason,
        fail_class,
        count(*) as tasks,
        min(coalesce(finish_time, first_terminal_at)) as first_seen_at,
        max(coalesce(finish_time, first_terminal_at)) as last_seen_at,
        max({'at': coalesce(finish_time, first_terminal_at), 'task_id': task_id}) as last_of_them,
    from tasks
    where status = 'FAILURE' and not identity_conflict
    group by all
)

select
    failure_fingerprint(fail_reason) as fingerprint,
    fail_class,
    sum(tasks)::bigint as tasks,
    sum(tasks) / sum(sum(tasks)) over () as share,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at,
    arg_max(fail_reason, last_of_them) as example,
    max(last_of_them).task_id as example_task_id,
from reasons
group by 1, 2;
