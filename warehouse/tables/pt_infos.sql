-- One row per element of pt_infos in a work's parameters (animate_params_str).
--
-- source: which gateway the id belongs to
-- task_id: the id that was polled
-- pt_index: position in the list, from 0
-- context: the text to speak
-- audio_url: the audio, percent-encoded as sent
-- voice_engine_id: the voice engine
-- audio_id: a stored audio
-- video_url: the video, percent-encoded as sent
-- video_pattern_url: the video pattern
-- lan: language of the text
-- character_id: the avatar's character
-- pag_img_urls: pictures of the animation; a list as JSON text
-- video_img_urls: pictures of the video; a list as JSON text
-- audio_path: audio_url, percent-decoded
-- video_path: video_url, percent-decoded
-- extras: fields of the element without a column, as one JSON object
create table if not exists pt_infos (
    source varchar,
    task_id varchar,
    pt_index integer,
    context varchar,
    audio_url varchar,
    voice_engine_id varchar,
    audio_id varchar,
    video_url varchar,
    video_pattern_url varchar,
    lan varchar,
    character_id varchar,
    pag_img_urls varchar,
    video_img_urls varchar,
    audio_path varchar,
    video_path varchar,
    extras json
);
