-- Fill the tables of a warehouse directly with $tasks tasks in two months, like those of a rebuild with as many ids.
-- Values are hashes of task numbers, so that they are the same each time. Two in three tasks were polled only after
-- their end; the others were seen running once or twice before. One in fifteen fails, for some thirty kinds of reasons,
-- half of them with ids and numbers inside. Tasks of the last minutes are in flight, and so are five hundred spread
-- over the months.
--
-- $tasks; $is_exact: whether times have milliseconds, so that hardly any two latencies are equal, or whole seconds
create or replace temp macro share(number, salt) as
    (hash(number * 32 + salt) / 18446744073709551616.0);

create or replace temp table reasons as
select row_number() over () - 1 as reason, text, fail_class
from (
    values
    ('任务超时（30分钟）', 'gateway_timeout'),
    ('Task timed out (45 minutes)', 'gateway_timeout'),
    ('upstream returned error: HTTP 502', 'gateway'),
    ('获取渠道信息失败，渠道ID：{n}', 'gateway'),
    ('content policy violation: category violence', 'content_policy'),
    ('sensitive words found in "{id}"', 'content_policy'),
    ('内容审核未通过', 'content_policy'),
    ('no face detected in https://cdn.example.com/{id}.png', 'input'),
    ('未检测到人脸', 'input'),
    ('audio exceeds the limit of 60 s: {n} s', 'input'),
    ('rendering failed on worker {n} (request id: {id})', 'provider'),
    ('inference error, trace id {id}', 'provider'),
    ('internal error', 'provider'),
    ('GPU out of memory: tried to allocate {n} MB', 'provider'),
    (null, 'unknown')
) as rows(text, fail_class);

create or replace temp table lives as
with drawn as (
    select
        range as number,
        md5(range::varchar) as task_id,
        epoch_us('2026-01-01'::timestamp) + (range * (60 * 86_400e6 / $tasks))::bigint as submit_us,
        share(range, 1) < 1.0 / 15 as has_failed,
        exp(2.5 + share(range, 2) + share(range, 3) + share(range, 4) + share(range, 5))
            * if(share(range, 1) < 1.0 / 15, 0.5, 1) as seconds,
        3 + share(range, 6) * 20 as queue_seconds,
        share(range, 7) as fate,
        share(range, 8) as look,
        (share(range, 9) * 15)::integer % 15 as reason,
    from range($tasks)
),

timed as (
    select
        * exclude (seconds, queue_seconds),
        if($is_exact, submit_us // 1000 * 1000, submit_us // 1_000_000 * 1_000_000) as submit_at_us,
        (if($is_exact, round(queue_seconds, 3), ceil(queue_seconds)) * 1e6)::bigint as queue_us,
        (if($is_exact, round(queue_seconds + seconds, 3), ceil(queue_seconds + seconds)) * 1e6)::bigint as latency_us,
    from drawn
)

select
    *,
    make_timestamptz(submit_at_us) as submit_time,
    case when fate > 0.15 then make_timestamptz(submit_at_us + queue_us) end as start_time,
    submit_us + latency_us < epoch_us('2026-03-02'::timestamp) and number % ($tasks // 500) <> 0 as is_terminal,
    case when not is_terminal then 'IN_PROGRESS' when has_failed then 'FAILURE' else 'SUCCESS' end as status,
    case when is_terminal and fate < 0.99 then make_timestamptz(submit_at_us + latency_us) end as finish_time,
from timed;

-- One to three polls: while it ran, and once after its end or at the end of the two months.
insert into observations by name
with looks as (
    select *, 1 as nth, submit_at_us + latency_us // 3 as look_us from lives where look > 0.85 or not is_terminal
    union all
    select *, 2 as nth, submit_at_us + latency_us // 3 * 2 as look_us from lives where look > 0.65 and is_terminal
    union all
    select
        *,
        3 as nth,
        if(is_terminal, submit_at_us + latency_us + 30_000_000, epoch_us('2026-03-02'::timestamp)) as look_us,
    from lives
)

select
    'default' as source,
    task_id,
    make_timestamptz(look_us + number % 1000) as observed_at,
    concat(strftime(make_timestamp(look_us // 3_600_000_000 * 3_600_000_000), '%Y%m%dT%H%M%S'), '-observations')
        as segment_id,
    concat('run-', strftime(make_timestamp(look_us // 3_600_000_000 * 3_600_000_000), '%Y%m%dT%H')) as run_id,
    'task' as outcome,
    200 as http_status,
    case when nth = 3 then status else 'IN_PROGRESS' end as status,
    case when nth = 3 and is_terminal then 100 else 30 end as progress_pct,
    20 + 100 * share(number, 9 + nth) as elapsed_ms,
    1 as attempts,
    0 as refusals,
    md5(concat('request', number, nth)) as request_id,
    'v0.10.3' as gateway_version,
    md5(concat('body', number, nth)) as body_hash,
from looks
order by look_us;

insert into tasks by name
with seen as (
    select
        source,
        task_id,
        min(observed_at) as first_observed_at,
        max(observed_at) as last_observed_at,
        count(*) as observation_count,
        max(observed_at) filter (where status = 'IN_PROGRESS') as last_running_at,
        min(observed_at) filter (where status <> 'IN_PROGRESS') as first_terminal_at,
        max(body_hash) as body_hash,
        max(run_id) as run_id,
        max(segment_id) as segment_id,
    from observations
    group by all
)

select
    seen.*,
    ['avatar-generate', 'avatar-lipsync', 'avatar-image'][1 + number % 3] as action,
    lives.status,
    lives.status as status_raw,
    is_terminal,
    case
        when is_terminal and has_failed
        then replace(replace(reasons.text, '{id}', md5(concat('reason', number))), '{n}', (number % 9973)::varchar)
    end as fail_reason,
    case when is_terminal and has_failed then reasons.fail_class end as fail_class,
    case
        when is_terminal and not has_failed
        then concat(
            'https://cdn.example.com/v/', lives.task_id, '.mp4?Expires=', submit_at_us // 1_000_000 + 5_000_000,
            '&Signature=', md5(concat('signature', number))
        )
    end as result_url,
    case when result_url is not null then to_timestamp(submit_at_us // 1_000_000 + 5_000_000) end as result_expires_at,
    'https://caller.example.com/hook' as notify_hook,
    submit_time,
    start_time,
    finish_time,
    if(is_terminal, 100, 30) as progress_pct,
    case when start_time is not null then queue_us / 1e6 end as queue_seconds,
    case when start_time is not null and finish_time is not null then (latency_us - queue_us) / 1e6 end as run_seconds,
    case when finish_time is not null then latency_us / 1e6 end as latency_seconds,
    case when finish_time is not null then latency_us / 1e6 + 2 end as provider_latency_seconds,
    1000 as quota,
    'vidu' as platform,
    'avatar-2' as model,
    'v0.10.3' as gateway_version,
    'task_envelope' as shape,
    first_observed_at as requested_at,
    first_observed_at as first_asked_at,
    list_filter([
        case when start_time is null then 'start_missing' end,
        case when is_terminal and finish_time is null then 'finish_missing' end,
        case when $is_exact then 'units_corrected' end,
        case when fate < 0.003 then 'object_id_time_differs' end,
    ], lambda flag: flag is not null) as quality_flags,
    last_observed_at as observed_at,
from lives
inner join seen on seen.task_id = lives.task_id
left join reasons on lives.reason = reasons.reason
order by last_observed_at;

insert into works by name
select
    source,
    task_id,
    md5(concat('animate', task_id)) as animate_id,
    concat('{"pt_infos":[{"context":"Hello, and welcome to our shop.","audio_url":"server%2F', task_id, '.mp3"}]}')
        as animate_params_str,
    submit_time as create_time,
    ['example/1.png', 'example/2.png'] as example_image_url,
    'VIDEO' as file_type,
    concat(to_hex(epoch(submit_time)::bigint), left(md5(task_id), 16)) as id,
    'Welcome' as music_title,
    ['PHOTO'] as play_types,
    'PHOTO' as primary_play_type,
    'singer' as singer,
    submit_time as template_create_time,
    true as tmp_online_enable,
    concat('user/', task_id, '.png') as user_image_url,
    0.5625 as video_aspect_ratio,
    true as vip_enable,
    if(status = 'SUCCESS', 200, 100) as web_work_status,
    concat('work/', task_id, '.mp4') as work_video_path,
    1 as pt_count,
    'text+audio' as first_input_kind,
    31 as first_text_length,
    md5(concat('work', task_id)) as work_hash,
    is_terminal,
    observed_at,
    body_hash,
    run_id,
from tasks
where status <> 'FAILURE';

insert into pt_infos by name
select
    source,
    task_id,
    0 as pt_index,
    'Hello, and welcome to our shop.' as context,
    concat('server%2F', task_id, '.mp3') as audio_url,
    concat('server/', task_id, '.mp3') as audio_path,
from works;

insert into requests by name
select source, task_id, requested_at, run_id from tasks;

insert into pending by name
select
    source,
    task_id,
    requested_at,
    submit_time,
    status,
    first_asked_at,
    last_observed_at as last_asked_at,
    observation_count as asked_count,
    0 as missing_count,
    'task' as last_outcome,
from tasks
where not is_terminal;

insert into segments by name
select segment_id, 'observations' as kind, count(*) as rows, 1000 * count(*) as bytes
from observations
group by all;

insert into pricing values (500000, 1, 'unit');

insert into objectives values
    ('within-two-minutes', null, null, 120, 0.95),
    ('within-five-minutes', null, null, 300, 0.99);
