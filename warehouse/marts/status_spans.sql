-- One row per task and span of time in one status. We poll from time to time, so entering and leaving a status are only
-- known to be between two observations. Consecutive answers with the same status are one span; a status that comes
-- again later is a new span. Answers without a task, and those about another task (mixed_up_answers), are ignored.
--
-- source: which gateway the task belongs to
-- task_id: the task
-- span_index: position among the task's spans, from 0
-- status: the status
-- entered_after: last seen in the previous status; NULL for the first span, whose beginning is not known
-- entered_by: first seen in this status
-- left_after: last seen in this status
-- left_by: first seen in the next status; NULL for the last span, whose end is not known
-- observations: answers that make up the span
-- min_seconds: it lasted at least this long: left_after - entered_by
-- max_seconds: it lasted at most this long: left_by - entered_after; NULL if either is not known
create or replace view status_spans as
with words as (
    -- of two answers at the same instant, the terminal one comes last
    select ['NOT_START', 'SUBMITTED', 'QUEUED', 'IN_PROGRESS', 'UNKNOWN', 'FAILURE', 'SUCCESS'] as statuses
),

-- One list of numbers per task, one for each observation: its time in microseconds, and in the last three bits its
-- status. Sorting whole rows by window functions instead takes twice as long.
seen as (
    select
        source,
        task_id,
        list_sort(list(epoch_us(observed_at) * 8 + list_position(statuses, status))) as looks,
    from observations
    anti join mixed_up_answers using (source, task_id, observed_at, run_id, body_hash)
    cross join words
    where outcome = 'task' and status is not null
    group by source, task_id
),

turns as (
    select
        *,
        if(
            len(looks) = 1,
            [1],
            list_filter(
                range(1, len(looks) + 1), lambda look: look = 1 or looks[look] % 8 <> looks[look - 1] % 8
            )
        ) as first_looks,
    from seen
),

spans as (
    select
        source,
        task_id,
        looks,
        generate_subscripts(first_looks, 1) - 1 as span_index,
        unnest(first_looks) as first_look,
        unnest(first_looks[2:] || [len(looks) + 1]) as next_look,
    from turns
)

select
    source,
    task_id,
    span_index,
    statuses[looks[first_look] % 8] as status,
    make_timestamptz(looks[first_look - 1] // 8) as entered_after,
    make_timestamptz(looks[first_look] // 8) as entered_by,
    make_timestamptz(looks[next_look - 1] // 8) as left_after,
    make_timestamptz(looks[next_look] // 8) as left_by,
    next_look - first_look as observations,
    epoch(left_after) - epoch(entered_by) as min_seconds,
    epoch(left_by) - epoch(entered_after) as max_seconds,
from spans
cross join words;
