-- Load the bodies in bodies.ndjson into three tables, with DuckDB only: the shortest SQL that gives the same rows.
create or replace table answers as
select data
from read_json('bodies.ndjson', format = 'newline_delimited', maximum_object_size = 67108864, columns = {
    data: 'struct(
        task_id varchar, action varchar, status varchar, fail_reason varchar, result_url varchar, notify_hook varchar,
        submit_time double, start_time double, finish_time double, progress varchar, quota bigint, platform varchar,
        data struct(
            animate_id varchar, animate_params_str varchar, create_time double, example_image_url varchar[],
            ext struct(animate_channel varchar, sing_title varchar, track_info varchar), file_type varchar, id varchar,
            music_title varchar, no_wm_work_video_path varchar, picture_path_list varchar[], play_types varchar[],
            primary_play_type varchar, share_magic_text varchar, singer varchar, template_create_time double,
            template_id varchar, tmp_online_enable boolean, user_image_url varchar, video_aspect_ratio double,
            vip_enable boolean, web_work_status bigint, webp_aspect_ratio double, wm_work_video_path varchar,
            work_name varchar, work_video_path varchar, work_webp_path varchar
        )
    )'
});

create or replace table tasks as
select
    data.task_id as task_id,
    data.action as action,
    data.status as status,
    data.fail_reason as fail_reason,
    data.result_url as result_url,
    data.notify_hook as notify_hook,
    data.progress as progress,
    data.quota as quota,
    data.platform as platform,
    to_timestamp(nullif(data.submit_time, 0)) as submit_time,
    to_timestamp(nullif(data.start_time, 0)) as start_time,
    to_timestamp(nullif(data.finish_time, 0)) as finish_time,
    case when finish_time >= submit_time then epoch(finish_time) - epoch(submit_time) end as latency_seconds,
from (select data from answers);

create or replace table works as
select
    data.task_id as task_id,
    data.data.ext.animate_channel as ext_animate_channel,
    data.data.ext.sing_title as ext_sing_title,
    data.data.ext.track_info as ext_track_info,
    unnest(data.data),
from answers
where data.data is not null;

create or replace table pt_infos as
select task_id, pt_index, unnest(info)
from (
    select
        task_id,
        unnest(infos) as info,
        generate_subscripts(infos, 1) - 1 as pt_index,
    from (
        select
            data.task_id as task_id,
            from_json(data.data.animate_params_str, '{"pt_infos": [{"context": "VARCHAR", "audio_url": "VARCHAR",
                "voice_engine_id": "VARCHAR", "audio_id": "VARCHAR", "video_url": "VARCHAR",
                "video_pattern_url": "VARCHAR", "lan": "VARCHAR", "character_id": "VARCHAR",
                "pag_img_urls": "VARCHAR", "video_img_urls": "VARCHAR"}]}').pt_infos as infos,
        from answers
    )
);

drop table answers;
