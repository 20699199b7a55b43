-- One row per check: to how many tasks it applies, and how many fail it. The checks are the flags that every load puts
-- into tasks.quality_flags; result_expired, which depends on the time of the query; and drawn_from_unclear, which
-- depends on all tasks of a list. Tasks with an identity_conflict are counted in that check only, because all other
-- values in their answers are about other tasks. By time, source and action: data_quality_by.
--
-- check_name: the check; except for result_expired and drawn_from_unclear, it is a flag in tasks.quality_flags
-- description: what is wrong with a task that fails it
-- checked: tasks the check applies to
-- failing: tasks that fail it
-- share: failing / checked; NULL when it applies to none
-- example_source: source of the example
-- example_task_id: the first task, by id, that fails it; NULL when none does
create or replace view data_quality as
with of_tasks as (
    select
        count(*) as all_tasks,
        count(*) filter (where has_task) as with_task,
        count(*) filter (where has_task and (is_terminal or status = 'IN_PROGRESS')) as begun,
        count(*) filter (where has_task and is_terminal) as ended,
        count(*) filter (where status = 'SUCCESS') as succeeded,
        count(*) filter (where shape = 'nested_gateway') as nested,
        count(coalesce(submit_time, start_time, finish_time)) as with_time,
        count(finish_time) as with_finish,
        count(*) filter (where submit_time is not null and finish_time is not null) as finished,
        count(*) filter (where start_time is not null and coalesce(submit_time, finish_time) is not null) as with_order,
        count(result_expires_at) filter (where status = 'SUCCESS') as with_expiry,
        count(*) filter (where requested_at >= submit_time) as accepted_later,
    from (
        select *, shape not in ('work_envelope', 'bare_work') as has_task
        from tasks
        where not identity_conflict
    )
),

-- Usually few: tasks for which a value of the task decides whether a check applies to their work. Joining every work
-- with its task would take as long as the rest of the view.
odd_tasks as (
    select
        source,
        task_id,
        submit_time is not null as has_submit,
        coalesce(submit_time, start_time, finish_time) is not null as has_time,
        coalesce(shape not in ('work_envelope', 'bare_work', 'nested_gateway'), false) as is_plain,
    from tasks
    where not identity_conflict and (submit_time is null or shape is distinct from 'task_envelope')
),

of_works as (
    select
        count(animate_params_str) as with_params,
        count(*) filter (where create_time is not null and regexp_full_match(id, '[0-9a-fA-F]{24}')) as with_object_id,
        count(create_time) filter (where coalesce(has_submit, true)) as with_both_clocks,
        count(create_time) filter (where not coalesce(has_time, true)) as with_work_time_alone,
        count(web_work_status) filter (where coalesce(is_plain, true)) as with_work_status_alone,
    from works
    anti join (from tasks where identity_conflict) as in_conflict using (source, task_id)
    left join odd_tasks using (source, task_id)
),

checks as (
    select
        unnest([
            {
                'check_name': 'start_missing',
                'description': 'it was seen running or ended, but start_time is unknown, and so are queue and run time',
                'checked': begun,
            },
            {
                'check_name': 'finish_missing',
                'description': 'it has ended, but finish_time is unknown, and so is latency_seconds',
                'checked': ended,
            },
            {
                'check_name': 'submit_missing',
                'description': 'submit_time is unknown: it belongs to no cohort',
                'checked': with_task,
            },
            {
                'check_name': 'finish_before_submit',
                'description': 'finish_time is before submit_time: it has no latency_seconds',
                'checked': finished,
            },
            {
                'check_name': 'start_out_of_order',
                'description': 'start_time is before submit_time or after finish_time',
                'checked': with_order,
            },
            {
                'check_name': 'finish_in_future',
                'description': 'finish_time is over a minute later than the answer that contained it: it has no durations',
                'checked': with_finish,
            },
            {
                'check_name': 'units_corrected',
                'description': 'a time came in another unit, e.g. milliseconds for seconds, and was corrected',
                'checked': with_time + with_work_time_alone,
            },
            {
                'check_name': 'time_implausible',
                'description': 'a number in the place of a time is not a time since 2020 in any unit; the time is NULL',
                'checked': all_tasks,
            },
            {
                'check_name': 'provider_clock_gap',
                'description': 'the provider created the work more than 5 minutes before or after submit_time',
                'checked': with_both_clocks,
            },
            {
                'check_name': 'object_id_time_differs',
                'description': 'the time in the work''s ObjectId is more than 2 seconds from its create_time',
                'checked': with_object_id,
            },
            {
                'check_name': 'outer_inner_disagree',
                'description': 'the gateway''s status contradicts that of the work, or of the gateway behind it',
                'checked': nested + with_work_status_alone,
            },
            {
                'check_name': 'result_missing',
                'description': 'it succeeded, but no address of a result was received',
                'checked': succeeded,
            },
            {
                'check_name': 'result_expired',
                'description': 'the signed URL of its result has expired by now',
                'checked': with_expiry,
            },
            {
                'check_name': 'reason_on_success',
                'description': 'it succeeded, but fail_reason is neither an address nor a word like success',
                'checked': succeeded,
            },
            {
                'check_name': 'params_unreadable',
                'description': 'the parameters in animate_params_str could not be read: see works.animate_params_error',
                'checked': with_params,
            },
            {
                'check_name': 'task_id_differs',
                'description': 'the answer came under another id than was polled: see answered_id',
                'checked': all_tasks,
            },
            {
                'check_name': 'identity_conflict',
                'description': 'the answer is proven to be about another task (see mixed_up_answers): polled again',
                'checked': all_tasks + in_conflict,
            },
            {
                'check_name': 'status_unknown',
                'description': 'the status is an unknown word: the task counts neither as running nor as ended',
                'checked': all_tasks,
            },
            {
                'check_name': 'drawn_from_unclear',
                'description': 'whether its list of ids was drawn from running tasks is unclear (see accepted_lists)',
                'checked': accepted_later,
            },
            {
                'check_name': 'text_repaired',
                'description': 'invalid bytes or lone surrogates were replaced; the archive keeps them',
                'checked': all_tasks,
            },
        ], recursive := true),
    from of_tasks
    cross join of_works
    cross join (select count(*) filter (where identity_conflict) as in_conflict from tasks)
),

failures_by_source as (
    select flag, source, count(*) as failing, min(task_id) as example_task_id,
    from (
        select source, task_id, unnest(if(identity_conflict, ['identity_conflict'], quality_flags)) as flag,
        from tasks
    )
    group by flag, source
    union all
    select 'result_expired' as flag, source, count(*) as failing, min(task_id) as example_task_id,
    from result_expiry
    where is_expired
    group by source
    union all
    select 'drawn_from_unclear' as flag, tasks.source, count(*) as failing, min(tasks.task_id) as example_task_id,
    from tasks
    inner join accepted_lists
        on tasks.source = accepted_lists.source
        and epoch_us(tasks.requested_at) // 60_000_000 = epoch_us(accepted_lists.accepted_minute) // 60_000_000
    where accepted_lists.drawn_from = 'unclear' and tasks.requested_at >= tasks.submit_time and not identity_conflict
    group by tasks.source
),

failures as (
    select
        flag,
        sum(failing)::bigint as failing,
        min({'task_id': example_task_id, 'source': source}) as example,
    from failures_by_source
    group by flag
)

select
    checks.check_name,
    checks.description,
    -- the flags are from the winning answer, the work may be from an earlier one
    greatest(checks.checked, coalesce(failures.failing, 0)) as checked,
    coalesce(failures.failing, 0) as failing,
    coalesce(failures.failing, 0) / nullif(greatest(checks.checked, coalesce(failures.failing, 0)), 0) as share,
    failures.example.source as example_source,
    failures.example.task_id as example_task_id,
from checks
left join failures on checks.check_name = failures.flag;
