-- The row of `tasks` for each of `disputed`: its best answer that is not proven to be about another task. If there is
-- none, the best answer without the values by which the other task would affect a statistic.
with ranked as (
    select
        competing_answers.*,
        row_number() over (
            partition by source, task_id
            order by
                answered_id is null or not is_conflict desc,
                is_terminal desc,
                answered_id is null desc,
                observed_at desc,
                body_hash desc,
                run_id desc
        ) as place,
        disputed.was_conflict or bool_or(is_conflict) over (partition by source, task_id) as is_recounted,
    from competing_answers
    inner join disputed using (source, task_id)
)

select
    * exclude (is_conflict, place) replace (
        if(is_conflict, 'UNKNOWN', status) as status,
        is_terminal and not is_conflict as is_terminal,
        if(is_conflict, null, fail_class) as fail_class,
        if(is_conflict, null, fail_rule) as fail_rule,
        if(is_conflict, null, result_url) as result_url,
        if(is_conflict, null, submit_time) as submit_time,
        if(is_conflict, null, start_time) as start_time,
        if(is_conflict, null, finish_time) as finish_time,
        if(is_conflict, null, queue_seconds) as queue_seconds,
        if(is_conflict, null, run_seconds) as run_seconds,
        if(is_conflict, null, latency_seconds) as latency_seconds,
        if(is_conflict, null, provider_latency_seconds) as provider_latency_seconds,
        if(is_conflict, null, quota) as quota,
        if(is_conflict, list_append(quality_flags, 'identity_conflict'), quality_flags) as quality_flags
    ),
    is_conflict as identity_conflict,
from ranked
where place = 1;
