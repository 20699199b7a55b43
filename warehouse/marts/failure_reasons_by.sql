-- One row per bucket of submit_time, source, action and kind of failure, i.e. fingerprint and class:
-- failure_reasons_by(bucket, zone), e.g. failure_reasons_by('day', 'Asia/Shanghai'). UNKNOWN is not a failure.
--
-- bucket_start: the first instant of the bucket; bucket and zone as in the macro bucket_start; NULL for tasks without a
--   submit_time
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- fingerprint: the reason without the parts that differ from task to task; NULL if the gateway gave no reason
-- fail_class: the cause, by failure_rules
-- tasks: tasks that failed for it
-- share: their share of all failed tasks of the bucket, source and action
-- first_seen_at: when the first of them failed; see failure_reasons
-- last_seen_at: when the last of them failed
-- example: the reason of the last of them, as it came
-- example_task_id: the task with this reason
create or replace macro failure_reasons_by(bucket, zone := 'UTC') as table
with reasons as (
    select
        bucket_start(submit_time, bucket, zone) as bucket_start,
        source,
        action,
        fail_reason,
        fail_class,
        count(*) as tasks,
        min(coalesce(finish_time, first_terminal_at)) as first_seen_at,
        max(coalesce(finish_time, first_terminal_at)) as last_seen_at,
        max({'at': coalesce(finish_time, first_terminal_at), 'task_id': task_id}) as last_of_them,
    from tasks
    where status = 'FAILURE' and not identity_conflict
    group by all
),

kinds as (
    select
        bucket_start,
        source,
        action,
        failure_fingerprint(fail_reason) as fingerprint,
        fail_class,
        sum(tasks)::bigint as tasks,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        arg_max(fail_reason, last_of_them) as example,
        max(last_of_them).task_id as example_task_id,
    from reasons
    group by all
)

select
    bucket_start,
    source,
    action,
    fingerprint,
    fail_class,
    tasks,
    tasks / sum(tasks) over (partition by bucket_start, source, action) as share,
    first_seen_at,
    last_seen_at,
    example,
    example_task_id,
from kinds;
