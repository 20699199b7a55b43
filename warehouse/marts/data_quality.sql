-- One row per check: to how many tasks it applies, and how many fail it. The checks are the flags that every load puts
-- into tasks.quality_flags, and result_expired, which depends on the time of asking.
--
-- check_name: the check; but for result_expired the flag to look for in tasks.quality_flags
-- description: what is wrong with a task that fails it
-- checked: tasks the check applies to
-- failing: tasks that fail it
-- share: failing / checked; NULL when it applies to none
-- example_source: source of the example
-- example_task_id: the first task, by id, that fails it; NULL when none does
create or replace view data_quality as
with facts as (
    select
        tasks.source,
        tasks.task_id,
        tasks.status,
        tasks.is_terminal,
        tasks.submit_time,
        tasks.start_time,
        tasks.finish_time,
        tasks.shape,
        tasks.shape not in ('work_envelope', 'bare_work') as has_task,
        works.create_time,
        works.id as work_id,
        works.web_work_status,
        works.animate_params_str,
        case when tasks.status = 'SUCCESS' then url_expires_at(tasks.result_url) end as expires_at,
        case
            when expires_at < now() then list_append(tasks.quality_flags, 'result_expired')
            else tasks.quality_flags
        end as flags,
    from tasks
    left join works using (source, task_id)
),

checks as (
    select
        unnest([
            {
                'check_name': 'start_missing',
                'description': 'it was seen running or ended, and start_time is unknown: so are queue and run time',
                'checked': count(*) filter (where has_task and (is_terminal or status = 'IN_PROGRESS')),
            },
            {
                'check_name': 'finish_missing',
                'description': 'it has ended, and finish_time is unknown: so is latency_seconds',
                'checked': count(*) filter (where has_task and is_terminal),
            },
            {
                'check_name': 'submit_missing',
                'description': 'submit_time is unknown: it belongs to no cohort',
                'checked': count(*) filter (where has_task),
            },
            {
                'check_name': 'finish_before_submit',
                'description': 'finish_time is before submit_time: it has no latency_seconds',
                'checked': count(*) filter (where submit_time is not null and finish_time is not null),
            },
            {
                'check_name': 'start_out_of_order',
                'description': 'start_time is before submit_time or after finish_time',
                'checked': count(*) filter (
                    where start_time is not null and coalesce(submit_time, finish_time) is not null
                ),
            },
            {
                'check_name': 'finish_in_future',
                'description': 'finish_time is more than a minute later than the answer that told it',
                'checked': count(finish_time),
            },
            {
                'check_name': 'units_corrected',
                'description': 'a time came in another unit, e.g. milliseconds for seconds, and was corrected',
                'checked': count(coalesce(submit_time, start_time, finish_time, create_time)),
            },
            {
                'check_name': 'time_implausible',
                'description': 'a number stood where a time should and was none in any unit; the time is NULL',
                'checked': count(*),
            },
            {
                'check_name': 'provider_clock_gap',
                'description': 'the provider created the work more than 5 minutes before or after submit_time',
                'checked': count(*) filter (where submit_time is not null and create_time is not null),
            },
            {
                'check_name': 'object_id_time_differs',
                'description': 'the time in the work''s ObjectId is more than 2 seconds from its create_time',
                'checked': count(*) filter (
                    where create_time is not null and regexp_full_match(work_id, '[0-9a-fA-F]{24}')
                ),
            },
            {
                'check_name': 'outer_inner_disagree',
                'description': 'the gateway''s status contradicts that of the work, or of the gateway behind it',
                'checked': count(*) filter (
                    where has_task and (web_work_status is not null or shape = 'nested_gateway')
                ),
            },
            {
                'check_name': 'result_missing',
                'description': 'it succeeded, and no URL of a result came',
                'checked': count(*) filter (where status = 'SUCCESS'),
            },
            {
                'check_name': 'result_expired',
                'description': 'the signed URL of its result has expired by now',
                'checked': count(expires_at),
            },
            {
                'check_name': 'reason_on_success',
                'description': 'it succeeded, and fail_reason held a text that is no URL',
                'checked': count(*) filter (where status = 'SUCCESS'),
            },
            {
                'check_name': 'params_unreadable',
                'description': 'the parameters in animate_params_str could not be read: see works.animate_params_error',
                'checked': count(animate_params_str),
            },
            {
                'check_name': 'task_id_differs',
                'description': 'the answer named another task_id than was asked for',
                'checked': count(*) filter (where has_task),
            },
            {
                'check_name': 'status_unknown',
                'description': 'the status is a word that nobody knows; it counts as running, never as a failure',
                'checked': count(*),
            },
        ], recursive := true),
    from facts
),

failures as (
    select flag, count(*) as failing, min({'task_id': task_id, 'source': source}) as example,
    from (select source, task_id, unnest(flags) as flag from facts)
    group by flag
)

select
    checks.check_name,
    checks.description,
    -- the flags are of the answer that won, the work may be of an earlier one
    greatest(checks.checked, coalesce(failures.failing, 0)) as checked,
    coalesce(failures.failing, 0) as failing,
    coalesce(failures.failing, 0) / nullif(greatest(checks.checked, coalesce(failures.failing, 0)), 0) as share,
    failures.example.source as example_source,
    failures.example.task_id as example_task_id,
from checks
left join failures on checks.check_name = failures.flag;
