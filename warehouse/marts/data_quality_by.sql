-- One row per bucket of submit_time, source, action and flag of tasks.quality_flags that one of these tasks has:
-- data_quality_by(bucket, zone), e.g. data_quality_by('day', 'Asia/Shanghai'): since when, and where, does a check
-- fail?
--
-- bucket_start: the first instant of the bucket; bucket and zone as in the macro bucket_start; NULL for tasks without a
--   submit_time
-- source: which gateway the tasks belong to
-- action: what the tasks do
-- check_name: the check, as in data_quality, which describes it. result_expired and drawn_from_unclear are not flags of
--   tasks, so they are not here; tasks with an identity_conflict are in that check only
-- tasks: all tasks of the bucket, source and action, whether the check applies to them or not
-- failing: those of them that fail it
-- share: failing / tasks
-- example_task_id: the first of them, by id
create or replace macro data_quality_by(bucket, zone := 'UTC') as table
with kinds as (
    select
        bucket_start(submit_time, bucket, zone) as bucket_start,
        source,
        action,
        if(identity_conflict, ['identity_conflict'], quality_flags) as flags,
        count(*) as tasks,
        min(task_id) as example_task_id,
    from tasks
    group by all
),

whole as (
    select bucket_start, source, action, sum(tasks)::bigint as tasks
    from kinds
    group by all
),

failed as (
    select
        bucket_start,
        source,
        action,
        check_name,
        sum(tasks)::bigint as failing,
        min(example_task_id) as example_task_id,
    from (select * exclude (flags), unnest(flags) as check_name from kinds)
    group by all
)

select
    failed.bucket_start,
    failed.source,
    failed.action,
    failed.check_name,
    whole.tasks,
    failed.failing,
    failed.failing / whole.tasks as share,
    failed.example_task_id,
from failed
inner join whole
    on failed.bucket_start is not distinct from whole.bucket_start
    and failed.source = whole.source
    and failed.action is not distinct from whole.action;
