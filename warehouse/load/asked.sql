-- One row per payload with elements (`new_pt_infos`): what of them is kept in `works`.
create or replace temp table asked as
select
    source,
    task_id,
    observed_at,
    body_hash,
    run_id,
    count(*) as pt_count,
    any_value(
        nullif(
            concat_ws(
                '+',
                if(context <> '', 'text', null),
                if(audio_url is not null or audio_id is not null, 'audio', null),
                if(video_url is not null, 'video', null)
            ),
            ''
        )
    ) filter (where pt_index = 0) as first_input_kind,
    any_value(length(context)) filter (where pt_index = 0) as first_text_length,
    any_value(voice_engine_id) filter (where pt_index = 0) as first_voice_engine_id,
    any_value(lan) filter (where pt_index = 0) as first_lan,
    string_agg(
        concat_ws(
            '|',
            pt_index,
            coalesce(context, ''),
            coalesce(split_part(audio_path, '?', 1), ''),
            coalesce(voice_engine_id, ''),
            coalesce(audio_id, ''),
            coalesce(split_part(video_path, '?', 1), ''),
            coalesce(video_pattern_url, ''),
            coalesce(lan, ''),
            coalesce(character_id, '')
        ),
        '|'
        order by pt_index
    ) as elements,
from new_pt_infos
group by source, task_id, observed_at, body_hash, run_id;
