-- A table macro: task_values(chosen) has one row per task of the table or view of that name in `memory`, which has the
-- columns of tasks: its values by dimension, as drivers_between means them.
--
-- dimensions: pairs of dimension and value; those of the payload are missing where none has come
create macro memory.task_values(chosen) as table
with first_elements as (
    select
        source,
        task_id,
        count(*)::varchar as pt_count,
        arg_min(
            concat_ws(
                '+',
                if(context is not null and context <> '', 'text', null),
                if(audio_url is not null or audio_id is not null, 'audio', null),
                if(video_url is not null, 'video', null)
            ),
            pt_index
        ) as input_kind,
        arg_min(voice_engine_id, pt_index) as voice_engine_id,
        arg_min(lan, pt_index) as lan,
        arg_min(length(context), pt_index) as text_length,
    from published.pt_infos
    semi join query_table(chosen) as tasks on pt_infos.source = tasks.source and pt_infos.task_id = tasks.task_id
    group by source, task_id
),

versions as (
    select source, task_id, body_hash, any_value(gateway_version) as gateway_version
    from published.observations
    semi join query_table(chosen) as tasks
        on observations.source = tasks.source and observations.task_id = tasks.task_id
    where gateway_version is not null
    group by source, task_id, body_hash
)

select
    tasks.source,
    tasks.task_id,
    (
        [
            {'dimension': 'source', 'value': tasks.source},
            {'dimension': 'action', 'value': action},
            {'dimension': 'platform', 'value': platform},
            {'dimension': 'model', 'value': model},
            {'dimension': 'group', 'value': tasks.extras ->> 'group'},
            {'dimension': 'channel', 'value': coalesce(tasks.extras ->> 'channel_id', tasks.extras ->> 'channel')},
            {'dimension': 'gateway_version', 'value': gateway_version},
            {'dimension': 'hour', 'value': strftime(submit_time at time zone 'UTC', '%H')},
            {'dimension': 'weekday', 'value': strftime(submit_time at time zone 'UTC', '%A')}
        ]
        || if(
            works.task_id is not null,
            [
                {'dimension': 'template_id', 'value': template_id},
                {'dimension': 'file_type', 'value': file_type},
                {'dimension': 'video_aspect_ratio', 'value': video_aspect_ratio::varchar},
                {'dimension': 'primary_play_type', 'value': primary_play_type},
                {'dimension': 'pt_count', 'value': pt_count},
                {'dimension': 'input_kind', 'value': nullif(input_kind, '')},
                {'dimension': 'voice_engine_id', 'value': voice_engine_id},
                {'dimension': 'lan', 'value': lan},
                {
                    'dimension': 'text_length',
                    'value': case
                        when text_length <= 50 then '1 to 50'
                        when text_length <= 200 then '51 to 200'
                        when text_length <= 1000 then '201 to 1000'
                        when text_length > 1000 then 'over 1000'
                    end
                }
            ],
            []
        )
    ) as dimensions,
from query_table(chosen) as tasks
left join published.works on tasks.source = works.source and tasks.task_id = works.task_id
left join first_elements on tasks.source = first_elements.source and tasks.task_id = first_elements.task_id
left join versions
    on tasks.source = versions.source
    and tasks.task_id = versions.task_id
    and tasks.body_hash = versions.body_hash;
