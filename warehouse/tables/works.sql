-- One row per task for which a payload (data.data, the provider's work) was received: the winning one. A payload under
-- the id polled wins over others, then one from an ended task, then the latest.
--
-- source: which gateway the id belongs to
-- task_id: the id that was polled
-- answered_id: the id that the answer came under, if that is another than the one polled, as in observations
-- animate_id: the provider's own task id
-- animate_params_str: the parameters as they came: JSON text; parsed in pt_infos
-- create_time: when the provider created the work, by its clock
-- example_image_url: paths of the template's example images
-- ext_animate_channel: ext.animate_channel
-- ext_sing_title: ext.sing_title
-- ext_track_info: ext.track_info: JSON text
-- file_type: usually VIDEO
-- id: the work's id, an ObjectId: its first 8 hex digits are a creation time
-- music_title: title of the template
-- no_wm_work_video_path: the video without watermark
-- picture_path_list: paths of pictures
-- play_types: kinds of play; an element '' comes from the provider
-- primary_play_type: the main kind of play
-- share_magic_text: text for sharing
-- singer: the provider's name for the speaker
-- template_create_time: when the template was created
-- template_id: the template, an ObjectId
-- tmp_online_enable: whether the template is online
-- user_image_url: the user's picture
-- video_aspect_ratio: width by height of the video
-- vip_enable: whether it needs a paid account
-- web_work_status: the provider's status number: 200 means success, below 0 failed, 0 still running; others are unknown
-- webp_aspect_ratio: width by height of the preview
-- wm_work_video_path: the video with watermark
-- work_name: name of the work
-- work_video_path: the video
-- work_webp_path: the preview picture
-- animate_params_error: why the parameters could not be read: invalid_json, not_an_object, pt_infos_not_a_list; NULL
--   if they could
-- extras: fields of the work without a column, as one JSON object; those of ext and of the parameters are under ext and
--   animate_params
-- pt_count: elements of pt_infos
-- first_input_kind: what the first element has: text, audio, video, joined by +; NULL if it has none of them
-- first_text_length: characters of its context
-- first_voice_engine_id: its voice_engine_id
-- first_lan: its lan
-- work_hash: MD5 of the template, the user's picture and the elements of pt_infos (text, audio, voice, video, language,
--   character), without queries of URLs, because signatures change each time; NULL without elements. Work that is
--   submitted again has the same hash: see attempts
-- is_terminal: whether the task had ended in the answer that this row comes from
-- observed_at: when that answer was seen
-- body_hash: BLAKE2b-128 of its body, in hex
-- run_id: the run that fetched it
create table if not exists works (
    source varchar,
    task_id varchar,
    answered_id varchar,
    animate_id varchar,
    animate_params_str varchar,
    create_time timestamptz,
    example_image_url varchar[],
    ext_animate_channel varchar,
    ext_sing_title varchar,
    ext_track_info varchar,
    file_type varchar,
    id varchar,
    music_title varchar,
    no_wm_work_video_path varchar,
    picture_path_list varchar[],
    play_types varchar[],
    primary_play_type varchar,
    share_magic_text varchar,
    singer varchar,
    template_create_time timestamptz,
    template_id varchar,
    tmp_online_enable boolean,
    user_image_url varchar,
    video_aspect_ratio double,
    vip_enable boolean,
    web_work_status bigint,
    webp_aspect_ratio double,
    wm_work_video_path varchar,
    work_name varchar,
    work_video_path varchar,
    work_webp_path varchar,
    animate_params_error varchar,
    extras json,
    pt_count bigint,
    first_input_kind varchar,
    first_text_length bigint,
    first_voice_engine_id varchar,
    first_lan varchar,
    work_hash varchar,
    is_terminal boolean,
    observed_at timestamptz,
    body_hash varchar,
    run_id varchar
);
