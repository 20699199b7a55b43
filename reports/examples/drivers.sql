-- For each driver of $wanted, of the tasks submitted in [$t0, $t1), the newest three that failed, or where its tasks do not
-- fail more often the slowest three of those that took longer than 95% of all. Dimensions as in drivers_between.
with wanted as (
    select unnest(
        $wanted::struct(number bigint, dimension varchar, value varchar, fails boolean)[], recursive := true
    )
),

candidates as (
    select tasks.*
    from cohort.tasks
    cross join (select max(seconds) as seconds from pooled.latency_quantiles where q = 0.95) as p95
    where
        not identity_conflict
        and submit_time >= $t0::timestamptz
        and submit_time < coalesce($t1::timestamptz, 'infinity'::timestamptz)
        and (status = 'FAILURE' or (status = 'SUCCESS' and latency_seconds > seconds))
),

first_elements as (
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
    semi join candidates using (source, task_id)
    group by source, task_id
),

versions as (
    select source, task_id, body_hash, any_value(gateway_version) as gateway_version
    from published.observations
    semi join candidates using (source, task_id)
    where gateway_version is not null
    group by source, task_id, body_hash
),

valued as (
    select
        candidates.source,
        candidates.task_id,
        status = 'FAILURE' as fails,
        if(fails, epoch(coalesce(finish_time, first_terminal_at)), latency_seconds) as weight,
        works.task_id is not null as has_payload,
        unnest(
            [
                {'dimension': 'source', 'value': candidates.source},
                {'dimension': 'action', 'value': action},
                {'dimension': 'platform', 'value': platform},
                {'dimension': 'model', 'value': model},
                {'dimension': 'group', 'value': candidates.extras ->> 'group'},
                {
                    'dimension': 'channel',
                    'value': coalesce(candidates.extras ->> 'channel_id', candidates.extras ->> 'channel')
                },
                {'dimension': 'gateway_version', 'value': gateway_version},
                {'dimension': 'hour', 'value': strftime(submit_time at time zone 'UTC', '%H')},
                {'dimension': 'weekday', 'value': strftime(submit_time at time zone 'UTC', '%A')}
            ]
            || if(
                has_payload,
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
            ),
            recursive := true
        ),
    from candidates
    left join published.works on candidates.source = works.source and candidates.task_id = works.task_id
    left join first_elements
        on candidates.source = first_elements.source and candidates.task_id = first_elements.task_id
    left join versions
        on candidates.source = versions.source
        and candidates.task_id = versions.task_id
        and candidates.body_hash = versions.body_hash
)

select
    wanted.number,
    valued.source,
    valued.task_id,
    row_number() over (
        partition by wanted.number order by weight desc nulls last, valued.source, valued.task_id
    ) as place,
from valued
inner join wanted
    on valued.dimension = wanted.dimension
    and valued.value is not distinct from wanted.value
    and valued.fails = wanted.fails
qualify place <= 3;
