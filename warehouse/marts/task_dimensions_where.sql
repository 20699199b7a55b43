-- task_dimensions of the tasks for which a condition holds, on columns of `tasks`: task_dimensions_where(condition), e.g.
-- task_dimensions_where(submit_time >= timestamptz '2026-01-10 00:00:00Z'). Only these tasks are joined with their works:
-- a filter on task_dimensions itself that compares with the result of a query would join all tasks first.
--
-- source: which gateway the task belongs to
-- task_id: the task
-- submit_time: when it was submitted
-- status: as in tasks
-- latency_seconds: as in tasks
-- action: as in tasks
-- platform: as in tasks
-- model: as in tasks
-- group: the group it ran in, as the gateway calls it (extras)
-- channel: the gateway's channel to the provider (extras: channel_id, or else channel)
-- gateway_version: of the gateway that answered
-- hour: of submit_time, in UTC: 00 to 23
-- weekday: of submit_time, in UTC: Monday to Sunday
-- has_payload: whether a payload was received; if not, the columns below are NULL
-- template_id: as in works
-- file_type: as in works
-- video_aspect_ratio: as in works, as text
-- primary_play_type: as in works
-- pt_count: elements of pt_infos, as text
-- input_kind: what the first element has: text, audio, video, joined by +
-- voice_engine_id: voice_engine_id of the first element
-- lan: lan of the first element
-- text_length: characters in the context of the first element: 1 to 50, 51 to 200, 201 to 1000, over 1000
create or replace macro task_dimensions_where(condition) as table
select
    tasks.source,
    tasks.task_id,
    tasks.submit_time,
    tasks.status,
    tasks.latency_seconds,
    tasks.action,
    tasks.platform,
    tasks.model,
    tasks.extras ->> 'group' as "group",
    coalesce(tasks.extras ->> 'channel_id', tasks.extras ->> 'channel') as channel,
    tasks.gateway_version,
    strftime(make_timestamp(epoch_us(tasks.submit_time)), '%H') as hour,
    dayname(make_timestamp(epoch_us(tasks.submit_time))) as weekday,
    works.task_id is not null as has_payload,
    works.template_id,
    works.file_type,
    works.video_aspect_ratio::varchar as video_aspect_ratio,
    works.primary_play_type,
    works.pt_count::varchar as pt_count,
    works.first_input_kind as input_kind,
    works.first_voice_engine_id as voice_engine_id,
    works.first_lan as lan,
    case
        when works.first_text_length <= 50 then '1 to 50'
        when works.first_text_length <= 200 then '51 to 200'
        when works.first_text_length <= 1000 then '201 to 1000'
        when works.first_text_length > 1000 then 'over 1000'
    end as text_length,
from (from tasks where not identity_conflict and condition) as tasks
left join works on tasks.source = works.source and tasks.task_id = works.task_id;
