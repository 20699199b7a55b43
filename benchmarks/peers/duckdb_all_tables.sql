-- Load the answers in answers.ndjson (metadata and body) and the ids in requests.ndjson into the tables of the
-- warehouse, with DuckDB only: the shortest SQL that gives the same rows for answers in the gateway's plain form. Left
-- out: nine of the sixteen quality_flags, extras of works and of pt_infos, result_expires_at, animate_params_error,
-- quarantine's detail, and the tables pending and segments.
set timezone = 'UTC';

create or replace temp table answers as
with parsed as (
    select *, from_json(body, '{
        "code": "VARCHAR", "message": "VARCHAR",
        "data": {
            "task_id": "VARCHAR", "action": "VARCHAR", "status": "VARCHAR", "fail_reason": "VARCHAR",
            "result_url": "VARCHAR", "notify_hook": "VARCHAR", "submit_time": "DOUBLE", "start_time": "DOUBLE",
            "finish_time": "DOUBLE", "progress": "VARCHAR", "quota": "BIGINT", "platform": "VARCHAR",
            "channel_id": "JSON", "created_at": "JSON", "group": "JSON", "id": "JSON", "properties": "JSON",
            "updated_at": "JSON", "user_id": "JSON", "username": "JSON",
            "data": {
                "animate_id": "VARCHAR", "animate_params_str": "VARCHAR", "create_time": "DOUBLE",
                "example_image_url": ["VARCHAR"],
                "ext": {"animate_channel": "VARCHAR", "sing_title": "VARCHAR", "track_info": "VARCHAR"},
                "file_type": "VARCHAR", "id": "VARCHAR", "music_title": "VARCHAR", "no_wm_work_video_path": "VARCHAR",
                "picture_path_list": ["VARCHAR"], "play_types": ["VARCHAR"], "primary_play_type": "VARCHAR",
                "share_magic_text": "VARCHAR", "singer": "VARCHAR", "template_create_time": "DOUBLE",
                "template_id": "VARCHAR", "tmp_online_enable": "BOOLEAN", "user_image_url": "VARCHAR",
                "video_aspect_ratio": "DOUBLE", "vip_enable": "BOOLEAN", "web_work_status": "BIGINT",
                "webp_aspect_ratio": "DOUBLE", "wm_work_video_path": "VARCHAR", "work_name": "VARCHAR",
                "work_video_path": "VARCHAR", "work_webp_path": "VARCHAR"
            }
        }
    }').data as task
    from read_json('answers.ndjson', format = 'newline_delimited', maximum_object_size = 67108864, columns = {
        source: 'varchar', task_id: 'varchar', observed_at: 'timestamptz', segment_id: 'varchar', run_id: 'varchar',
        http_status: 'integer', elapsed_ms: 'double', attempts: 'integer', refusals: 'integer', request_id: 'varchar',
        gateway_version: 'varchar', error: 'varchar', body_hash: 'varchar', body: 'json'
    })
)

select
    *,
    case
        when http_status in (401, 403) then 'denied'
        when http_status = 429 then 'throttled'
        when http_status is null then 'transport_error'
        when http_status >= 500 then 'server_error'
        when task.task_id is not null then 'task'
        when body ->> '$.code' = 'task_not_exist' then 'missing'
        else 'malformed'
    end as outcome,
from parsed;

create or replace table requests as
from read_json('requests.ndjson', format = 'newline_delimited', columns = {
    source: 'varchar', task_id: 'varchar', requested_at: 'timestamptz', run_id: 'varchar'
});

create or replace table observations as
select
    * exclude (body, task, outcome),
    outcome,
    upper(task.status) as status,
    try_cast(rtrim(task.progress, '%') as double) as progress_pct,
from answers;

create or replace table quarantine as
select source, task_id, observed_at, segment_id, 'unknown_shape' as reason, body[1:300] as body_excerpt
from answers
where outcome = 'malformed';

-- a terminal answer wins over any other, then the newest
create or replace temp table winners as
select distinct on (source, task_id) rowid as answer_row, source, task_id
from answers
where outcome = 'task'
order by
    source, task_id, upper(task.status) in ('SUCCESS', 'FAILURE') desc, observed_at desc, body_hash desc, run_id desc;

create or replace temp table seen as
select
    source,
    task_id,
    min(observed_at) filter (where outcome = 'task') as first_observed_at,
    max(observed_at) filter (where outcome = 'task') as last_observed_at,
    count(*) filter (where outcome = 'task') as observation_count,
    max(observed_at) filter (where status not in ('SUCCESS', 'FAILURE')) as last_running_at,
    min(observed_at) filter (where status in ('SUCCESS', 'FAILURE')) as first_terminal_at,
    min(observed_at) as first_asked_at,
from observations
group by all;

create or replace table tasks as
select
    source,
    task_id,
    task.action as action,
    upper(task.status) as status,
    task.status as status_raw,
    status in ('SUCCESS', 'FAILURE') as is_terminal,
    case when status <> 'SUCCESS' then nullif(trim(task.fail_reason), '') end as fail_reason,
    case
        when status <> 'FAILURE' then null
        when fail_reason is null then 'unknown'
        when regexp_matches(fail_reason, '任务超时|task timed? ?out', 'i') then 'gateway_timeout'
        when regexp_matches(
            fail_reason,
            '^upstream returned (an )?(error|unrecognized message|empty status)|获取渠道信息失败|failed to get channel info',
            'i'
        ) then 'gateway'
        when regexp_matches(
            fail_reason, 'content policy|policy violation|sensitive|moderation|nsfw|内容审核|违规|敏感', 'i'
        ) then 'content_policy'
        when regexp_matches(
            fail_reason,
            'no face|face not (found|detected)|exceeds? the (limit|maximum)|too (long|large|short|small)|invalid (audio|video|image|input|param)|unsupported|未检测到人脸|音频格式|参数(错误|无效)|格式不支持',
            'i'
        ) then 'input'
        else 'provider'
    end as fail_class,
    coalesce(
        case when task.result_url ilike 'http%' then task.result_url end,
        case when status = 'SUCCESS' and task.fail_reason ilike 'http%' then task.fail_reason end,
        case when status = 'SUCCESS' then
            coalesce(nullif(task.data.work_video_path, ''), nullif(task.data.no_wm_work_video_path, ''))
        end
    ) as result_url,
    nullif(task.notify_hook, '') as notify_hook,
    to_timestamp(nullif(task.submit_time, 0)) as submit_time,
    to_timestamp(nullif(task.start_time, 0)) as start_time,
    to_timestamp(nullif(task.finish_time, 0)) as finish_time,
    try_cast(rtrim(task.progress, '%') as double) as progress_pct,
    case when start_time >= submit_time then round(epoch(start_time) - epoch(submit_time), 6) end as queue_seconds,
    case when finish_time >= start_time then round(epoch(finish_time) - epoch(start_time), 6) end as run_seconds,
    case when finish_time >= submit_time then round(epoch(finish_time) - epoch(submit_time), 6) end as latency_seconds,
    case when finish_time >= created then round(epoch(finish_time) - epoch(created), 6) end as provider_latency_seconds,
    task.quota as quota,
    task.platform as platform,
    coalesce(
        nullif(task.properties ->> 'origin_model_name', ''), nullif(task.properties ->> 'upstream_model_name', '')
    ) as model,
    'task_envelope' as shape,
    requested_at,
    seen.* exclude (source, task_id),
    list_filter([
        case when start_time is null then 'start_missing' end,
        case when is_terminal and finish_time is null then 'finish_missing' end,
        case when submit_time is null then 'submit_missing' end,
        case when finish_time < submit_time then 'finish_before_submit' end,
        case when start_time < submit_time or start_time > finish_time then 'start_out_of_order' end,
        case when
            (status = 'SUCCESS') <> (task.data.web_work_status = 200)
            or status = 'FAILURE' and fail_class = 'gateway_timeout' and task.data.web_work_status is not null
        then 'outer_inner_disagree' end,
        case when status = 'SUCCESS' and result_url is null then 'result_missing' end
    ], lambda flag: flag is not null) as quality_flags,
    case when task.id is not null then to_json({
        'channel_id': task.channel_id, 'created_at': task.created_at, 'group': task.group, 'id': task.id,
        'properties': task.properties, 'updated_at': task.updated_at, 'user_id': task.user_id,
        'username': task.username
    }) end as extras,
    segment_id,
    observed_at,
    body_hash,
    run_id,
from (
    select answers.*, make_timestamptz((task.data.create_time * 1000)::bigint) as created
    from answers
    semi join winners on answers.rowid = winners.answer_row
)
left join (
    select source, task_id, min(requested_at) as requested_at from requests group by all
) using (source, task_id)
left join seen using (source, task_id);

create or replace table works as
select
    columns('^(source|task_id|observed_at|body_hash|run_id|is_terminal|.*_enable|.*_ratio|.*_status|.*_list|.*_types|example_.*)$'),
    nullif(columns('^(animate_.*|file_type|id|music_title|primary_.*|share_.*|singer|template_id|user_.*|.*work_.*(name|path))$'), ''),
    nullif(ext.animate_channel, '') as ext_animate_channel,
    nullif(ext.sing_title, '') as ext_sing_title,
    nullif(ext.track_info, '') as ext_track_info,
    make_timestamptz((create_time * 1000)::bigint) as create_time,
    make_timestamptz((template_create_time * 1000)::bigint) as template_create_time,
from (
    select
        source,
        task_id,
        observed_at,
        body_hash,
        run_id,
        upper(task.status) in ('SUCCESS', 'FAILURE') as is_terminal,
        unnest(task.data),
    from answers
    semi join winners on answers.rowid = winners.answer_row
    where task.data is not null
);

create or replace table pt_infos as
select
    source,
    task_id,
    pt_index,
    nullif(columns(* exclude (source, task_id, pt_index)), ''),
    url_decode(nullif(audio_url, '')) as audio_path,
    url_decode(nullif(video_url, '')) as video_path,
from (
    select source, task_id, unnest(infos, recursive := true), (generate_subscripts(infos, 1) - 1)::integer as pt_index
    from (
        select
            source,
            task_id,
            from_json(task.data.animate_params_str, '{"pt_infos": [{"context": "VARCHAR", "audio_url": "VARCHAR",
                "voice_engine_id": "VARCHAR", "audio_id": "VARCHAR", "video_url": "VARCHAR",
                "video_pattern_url": "VARCHAR", "lan": "VARCHAR", "character_id": "VARCHAR",
                "pag_img_urls": "VARCHAR", "video_img_urls": "VARCHAR"}]}').pt_infos as infos,
        from answers
        semi join winners on answers.rowid = winners.answer_row
    )
);

-- Schema drift: unknown keys, and JSON types that do not fit. Each distinct form of an answer, and of an element of
-- pt_infos, is examined once.
create or replace temp table known as
select path, string_split(accepted, '|') as accepted
from (values
    ('$.code', 'BIGINT|UBIGINT|VARCHAR'), ('$.message', 'VARCHAR'), ('$.data', 'ARRAY|OBJECT|VARCHAR'),
    ('$.data.task_id', 'VARCHAR'), ('$.data.notify_hook', 'VARCHAR'), ('$.data.action', 'VARCHAR'),
    ('$.data.status', 'VARCHAR'), ('$.data.fail_reason', 'VARCHAR'), ('$.data.submit_time', 'BIGINT|UBIGINT'),
    ('$.data.start_time', 'BIGINT|UBIGINT'), ('$.data.finish_time', 'BIGINT|UBIGINT'),
    ('$.data.progress', 'BIGINT|DOUBLE|UBIGINT|VARCHAR'), ('$.data.data', 'ARRAY|OBJECT|VARCHAR'),
    ('$.data.platform', 'BIGINT|BOOLEAN|DOUBLE|UBIGINT|VARCHAR'), ('$.data.quota', 'BIGINT|UBIGINT'),
    ('$.data.result_url', 'VARCHAR'), ('$.data.properties.origin_model_name', 'VARCHAR'),
    ('$.data.properties.upstream_model_name', 'VARCHAR'), ('$.data.properties.input', 'VARCHAR'),
    ('$.data.properties', 'OBJECT'), ('$.data.id', 'BIGINT|UBIGINT'), ('$.data.created_at', 'BIGINT|UBIGINT'),
    ('$.data.updated_at', 'BIGINT|UBIGINT'), ('$.data.user_id', 'BIGINT|UBIGINT'),
    ('$.data.channel_id', 'BIGINT|UBIGINT'), ('$.data.group', 'VARCHAR'), ('$.data.username', 'VARCHAR'),
    ('$.data.data.animate_id', 'VARCHAR'), ('$.data.data.animate_params_str', 'OBJECT|VARCHAR'),
    ('$.data.data.create_time', 'BIGINT|UBIGINT'), ('$.data.data.example_image_url', 'ARRAY'),
    ('$.data.data.ext.animate_channel', 'VARCHAR'), ('$.data.data.ext.sing_title', 'VARCHAR'),
    ('$.data.data.ext.track_info', 'OBJECT|VARCHAR'), ('$.data.data.file_type', 'VARCHAR'),
    ('$.data.data.id', 'VARCHAR'), ('$.data.data.music_title', 'VARCHAR'),
    ('$.data.data.no_wm_work_video_path', 'VARCHAR'), ('$.data.data.picture_path_list', 'ARRAY'),
    ('$.data.data.play_types', 'ARRAY'), ('$.data.data.primary_play_type', 'VARCHAR'),
    ('$.data.data.share_magic_text', 'VARCHAR'), ('$.data.data.singer', 'VARCHAR'),
    ('$.data.data.template_create_time', 'BIGINT|UBIGINT'), ('$.data.data.template_id', 'VARCHAR'),
    ('$.data.data.tmp_online_enable', 'BOOLEAN'), ('$.data.data.user_image_url', 'VARCHAR'),
    ('$.data.data.video_aspect_ratio', 'BIGINT|DOUBLE|UBIGINT'), ('$.data.data.vip_enable', 'BOOLEAN'),
    ('$.data.data.web_work_status', 'BIGINT|UBIGINT'), ('$.data.data.webp_aspect_ratio', 'BIGINT|DOUBLE|UBIGINT'),
    ('$.data.data.wm_work_video_path', 'VARCHAR'), ('$.data.data.work_name', 'VARCHAR'),
    ('$.data.data.work_video_path', 'VARCHAR'), ('$.data.data.work_webp_path', 'VARCHAR'),
    ('$.data.data.ext', 'OBJECT')
) as fields (path, accepted);

create or replace temp table known_in_elements as
select path, string_split(accepted, '|') as accepted
from (values
    ('$.context', 'BIGINT|BOOLEAN|DOUBLE|UBIGINT|VARCHAR'), ('$.audio_url', 'VARCHAR'),
    ('$.voice_engine_id', 'BIGINT|BOOLEAN|DOUBLE|UBIGINT|VARCHAR'),
    ('$.audio_id', 'BIGINT|BOOLEAN|DOUBLE|UBIGINT|VARCHAR'), ('$.video_url', 'VARCHAR'),
    ('$.video_pattern_url', 'VARCHAR'), ('$.lan', 'BIGINT|BOOLEAN|DOUBLE|UBIGINT|VARCHAR'),
    ('$.character_id', 'BIGINT|BOOLEAN|DOUBLE|UBIGINT|VARCHAR'), ('$.pag_img_urls', 'ARRAY|VARCHAR'),
    ('$.video_img_urls', 'ARRAY|VARCHAR')
) as fields (path, accepted);

set variable objects = ['$', '$.data', '$.data.properties', '$.data.data', '$.data.data.ext'];
set variable paths = (select list(path order by path) from known);
set variable element_paths = (select list(path order by path) from known_in_elements);

create or replace temp table forms as
select
    json_type(body, getvariable('paths')) as types,
    json_keys(body, getvariable('objects')) as keys,
    min(observed_at) as first_seen_at,
    max(observed_at) as last_seen_at,
    count(*) as seen_count,
    min(task_id) as example_task_id,
from answers
group by types, keys;

create or replace temp table element_forms as
select
    json_type(element, getvariable('element_paths')) as types,
    json_keys(element) as keys,
    min(observed_at) as first_seen_at,
    max(observed_at) as last_seen_at,
    count(*) as seen_count,
    min(task_id) as example_task_id,
from (
    select observed_at, task_id, unnest(json_extract(task.data.animate_params_str, '$.pt_infos[*]')) as element
    from answers
)
group by types, keys;

create or replace table schema_drift as
with typed as (
    select unnest(getvariable('paths')) as path, unnest(types) as json_type, columns('seen|task') from forms
    union all
    select
        unnest(getvariable('element_paths')), unnest(types), columns('seen|task')
    from element_forms
),

keyed as (
    select
        unnest(list_transform(
            list_zip(getvariable('objects'), keys), lambda pair: list_transform(pair[2], lambda key: pair[1] || '.' || key)
        ), recursive := true) as path,
        columns('seen|task'),
    from forms
    union all
    select '$.' || unnest(keys), columns('seen|task') from element_forms
),

every_known as (
    from known
    union all
    from known_in_elements
),

surprises as (
    select path, 'type_mismatch' as kind, columns('seen|task'), typed.json_type
    from typed
    inner join every_known using (path)
    where typed.json_type <> 'NULL' and not list_contains(accepted, typed.json_type)
    union all
    select path, 'unknown_field', columns('seen|task'), null
    from keyed
    anti join every_known using (path)
)

select
    path as json_path,
    kind,
    string_agg(distinct json_type, '|') as json_type,
    min(first_seen_at) as first_seen_at,
    max(last_seen_at) as last_seen_at,
    sum(seen_count)::bigint as seen_count,
    min(example_task_id) as example_task_id,
from surprises
group by all;
