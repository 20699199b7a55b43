-- Load the answers in answers.ndjson (metadata and body) and the ids in requests.ndjson into the tables of the
-- warehouse, with DuckDB only: the shortest SQL that gives the same rows for answers in the gateway's plain form.
-- rules.ndjson has the failure rules. Left out:
--
-- extras of works and of pt_infos: fields without a column; SQL would have to name all others again to find them
-- four of the eighteen quality_flags: finish_in_future, units_corrected and time_implausible, because times are in the
--   documented unit and in the past, and text_repaired, because bodies are UTF-8
-- json_type of unknown fields in schema_drift: a form of an answer has the types of known fields only
-- what identity_conflict changes in a row of tasks: it is found, but the values of the other task stay
-- the tables competing_answers, failure_rules, pending and segments, and those of lists, policies and runs
set timezone = 'UTC';

create temp macro plain_id(id) as regexp_replace(lower(trim(id)), '^task_', '');

create temp macro is_other_id(id, polled) as (id <> polled and plain_id(id) <> plain_id(polled));

create temp macro url_expires_at(url) as (
    case when contains(url, '=') then to_timestamp(coalesce(
        epoch(try_strptime(
            nullif(regexp_extract(url, '(?i)[?&]x-[a-z]+-date=(\d{8}t\d{6})z', 1), ''), '%Y%m%dT%H%M%S'
        )) + try_cast(regexp_extract(url, '(?i)[?&]x-[a-z]+-expires=(\d{1,9})(&|#|$)', 1) as bigint),
        try_cast(regexp_extract(url, '(?i)[?&](expires|e)=(\d{9,11})(&|#|$)', 2) as bigint)
    )) end
);

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
        http_status: 'integer', content_type: 'varchar', elapsed_ms: 'double', attempts: 'integer', refusals: 'integer',
        request_id: 'varchar', gateway_version: 'varchar', error: 'varchar', body_hash: 'varchar', body: 'json'
    })
)

select
    * exclude (params_types),
    case
        when http_status in (401, 403) then 'denied'
        when http_status = 429 then 'throttled'
        when http_status is null then 'transport_error'
        when http_status >= 500 then 'server_error'
        when task.task_id is not null then 'task'
        when body ->> '$.code' = 'task_not_exist' then 'missing'
        else 'malformed'
    end as outcome,
    case when is_other_id(task.task_id, task_id) then task.task_id end as answered_id,
    case when is_other_id(task.data.animate_id, task_id) then task.data.animate_id end as answered_work_id,
    case when task.task_id is null then left(body ->> '$.message', 500) end as message,
    case
        when params_types is null and task.data.animate_params_str <> '' then 'invalid_json'
        when params_types[1] not in ('OBJECT', 'NULL') then 'not_an_object'
        when params_types[2] not in ('ARRAY', 'NULL') then 'pt_infos_not_a_list'
    end as animate_params_error,
from (
    select *, try(json_type(nullif(task.data.animate_params_str, ''), ['$', '$.pt_infos'])) as params_types
    from parsed
);

create or replace table requests as
from read_json('requests.ndjson', format = 'newline_delimited', columns = {
    source: 'varchar', task_id: 'varchar', requested_at: 'timestamptz', run_id: 'varchar', drawn_from: 'varchar'
});

create or replace table observations as
select
    * exclude (body, task, content_type, animate_params_error),
    upper(task.status) as status,
    try_cast(rtrim(task.progress, '%') as double) as progress_pct,
from answers;

create or replace table quarantine as
select
    source,
    task_id,
    observed_at,
    segment_id,
    if(message is null, 'unknown_shape', 'error_answer') as reason,
    coalesce(message, format('HTTP {}, {}', http_status, content_type)) as detail,
    body[1:300] as body_excerpt,
from answers
where outcome = 'malformed';

-- an answer is about another task if the id in it was polled, too, or if answers for several ids have it
create or replace temp table mixed_up as
with named as (
    select rowid as answer_row, source, task_id, plain_id(coalesce(answered_id, answered_work_id)) as id
    from answers
    where answered_id is not null or answered_work_id is not null
),

proof as (
    select source, id from named group by all having count(distinct task_id) > 1
    union
    select named.source, named.id
    from requests
    inner join named on requests.source = named.source and plain_id(requests.task_id) = named.id
)

select answer_row
from named
semi join proof using (source, id);

-- a terminal answer wins over any other, then one under the id polled, then the newest
create or replace temp table winners as
select distinct on (source, task_id)
    answers.rowid as answer_row,
    source,
    task_id,
    mixed_up.answer_row is not null as identity_conflict,
from answers
left join mixed_up on answers.rowid = mixed_up.answer_row
where outcome = 'task'
order by
    source,
    task_id,
    identity_conflict,
    upper(task.status) in ('SUCCESS', 'FAILURE') desc,
    answered_id is null desc,
    observed_at desc,
    body_hash desc,
    run_id desc;

-- the first rule that matches decides why a task failed
create or replace temp table ruled as
select distinct on (fail_reason) fail_reason, name as fail_rule, fail_class
from (select distinct trim(task.fail_reason) as fail_reason from answers where upper(task.status) = 'FAILURE')
inner join read_json('rules.ndjson', format = 'newline_delimited', columns = {
    position: 'integer', name: 'varchar', pattern: 'varchar', fail_class: 'varchar'
}) on regexp_matches(fail_reason, '(?i)' || pattern)
order by fail_reason, position;

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
    answered_id,
    answered_work_id,
    identity_conflict,
    task.action as action,
    found.status,
    task.status as status_raw,
    status in ('SUCCESS', 'FAILURE') as is_terminal,
    found.fail_reason,
    ruled.fail_rule,
    case when status = 'FAILURE' then coalesce(ruled.fail_class, 'unknown') end as fail_class,
    coalesce(
        case when task.result_url ilike 'http%' then task.result_url end,
        case when status = 'SUCCESS' and task.fail_reason ilike 'http%' then task.fail_reason end,
        case when status = 'SUCCESS' then
            coalesce(nullif(task.data.work_video_path, ''), nullif(task.data.no_wm_work_video_path, ''))
        end
    ) as result_url,
    url_expires_at(result_url) as result_expires_at,
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
        case when (is_terminal or status = 'IN_PROGRESS') and start_time is null then 'start_missing' end,
        case when is_terminal and finish_time is null then 'finish_missing' end,
        case when submit_time is null then 'submit_missing' end,
        case when finish_time < submit_time then 'finish_before_submit' end,
        case when start_time < submit_time or start_time > finish_time then 'start_out_of_order' end,
        case when abs(epoch(created) - epoch(submit_time)) > 300 then 'provider_clock_gap' end,
        case when abs(try_cast('0x' || task.data.id[:8] as bigint) - trunc(epoch(created))) > 2
            then 'object_id_time_differs'
        end,
        case when
            (status = 'SUCCESS') <> (task.data.web_work_status = 200)
            or status <> 'FAILURE' and task.data.web_work_status < 0
            or status = 'FAILURE' and fail_class = 'gateway_timeout' and task.data.web_work_status >= 0
        then 'outer_inner_disagree' end,
        case when status = 'SUCCESS' and result_url is null then 'result_missing' end,
        case when status = 'SUCCESS' and trim(task.fail_reason) <> '' and task.fail_reason not ilike 'http%'
            then 'reason_on_success'
        end,
        case when animate_params_error is not null then 'params_unreadable' end,
        case when answered_id is not null then 'task_id_differs' end,
        case when status = 'UNKNOWN' then 'status_unknown' end,
        case when identity_conflict then 'identity_conflict' end
    ], lambda flag: flag is not null) as quality_flags,
    case when task.id is not null then to_json({
        'channel_id': task.channel_id, 'created_at': task.created_at, 'group': task.group, 'id': task.id,
        'properties': task.properties, 'updated_at': task.updated_at, 'user_id': task.user_id,
        'username': task.username
    }) end as extras,
    gateway_version,
    segment_id,
    observed_at,
    body_hash,
    run_id,
from (
    select
        answers.*,
        winners.identity_conflict,
        upper(task.status) as status,
        case when upper(task.status) <> 'SUCCESS' then nullif(trim(task.fail_reason), '') end as fail_reason,
        make_timestamptz((task.data.create_time * 1000)::bigint) as created,
    from answers
    inner join winners on answers.rowid = winners.answer_row
) as found
left join ruled on found.status = 'FAILURE' and found.fail_reason = ruled.fail_reason
left join (
    select source, task_id, min(requested_at) as requested_at from requests group by all
) using (source, task_id)
left join seen using (source, task_id);

create or replace temp table payloads as
select
    source,
    task_id,
    answered_id,
    observed_at,
    body_hash,
    run_id,
    upper(task.status) in ('SUCCESS', 'FAILURE') as is_terminal,
    unnest(task.data),
    animate_params_error,
    case when animate_params_error is null then from_json(
        task.data.animate_params_str,
        '{"pt_infos": [{"context": "VARCHAR", "audio_url": "VARCHAR", "voice_engine_id": "VARCHAR",
            "audio_id": "VARCHAR", "video_url": "VARCHAR", "video_pattern_url": "VARCHAR", "lan": "VARCHAR",
            "character_id": "VARCHAR", "pag_img_urls": "VARCHAR", "video_img_urls": "VARCHAR"}]}'
    ) end.pt_infos as infos,
from answers
semi join winners on answers.rowid = winners.answer_row
where task.data is not null;

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
    from payloads
);

create or replace table works as
select
    columns('^(source|task_id|answered_id|observed_at|body_hash|run_id|is_terminal|.*_error|.*_enable|.*_ratio|.*_status|.*_list|.*_types|example_.*)$'),
    nullif(columns('^(animate_id|animate_params_str|file_type|id|music_title|primary_.*|share_.*|singer|template_id|user_.*|.*work_.*(name|path))$'), ''),
    nullif(ext.animate_channel, '') as ext_animate_channel,
    nullif(ext.sing_title, '') as ext_sing_title,
    nullif(ext.track_info, '') as ext_track_info,
    make_timestamptz((create_time * 1000)::bigint) as create_time,
    make_timestamptz((template_create_time * 1000)::bigint) as template_create_time,
    coalesce(len(infos), 0) as pt_count,
    nullif(concat_ws(
        '+',
        case when infos[1].context <> '' then 'text' end,
        case when infos[1].audio_url <> '' or infos[1].audio_id <> '' then 'audio' end,
        case when infos[1].video_url <> '' then 'video' end
    ), '') as first_input_kind,
    length(nullif(infos[1].context, '')) as first_text_length,
    nullif(infos[1].voice_engine_id, '') as first_voice_engine_id,
    nullif(infos[1].lan, '') as first_lan,
    case when pt_count > 0 then md5(concat_ws(
        '|',
        coalesce(template_id, ''),
        split_part(coalesce(user_image_url, ''), '?', 1),
        list_transform(infos, lambda info, place: concat(
            place - 1, '|', info.context, '|', split_part(url_decode(info.audio_url), '?', 1), '|',
            info.voice_engine_id, '|', info.audio_id, '|', split_part(url_decode(info.video_url), '?', 1), '|',
            info.video_pattern_url, '|', info.lan, '|', info.character_id
        )).array_to_string('|')
    )) end as work_hash,
from payloads;

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
where outcome = 'task'
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
    where animate_params_error is null
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
