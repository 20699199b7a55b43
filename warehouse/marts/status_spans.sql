-- One row per task and time spent in one status. We look now and then, so that entering and leaving are known only as
-- lying between two observations. Answers with the same status in a row are one span; a status that comes again later
-- is a new one. Answers that held no task say nothing about its status.
--
-- source: which gateway the task belongs to
-- task_id: the task
-- span_index: position among the task's spans, from 0
-- status: the status
-- entered_after: last seen in the status before; NULL for the first span, whose beginning nobody saw
-- entered_by: first seen in this status
-- left_after: last seen in this status
-- left_by: first seen in the next status; NULL for the last span, which nobody saw end
-- observations: answers that make up the span
-- min_seconds: it lasted at least so long: left_after - entered_by
-- max_seconds: and at most so long: left_by - entered_after; NULL where either is not known
create or replace view status_spans as
with looks as (
    select
        source,
        task_id,
        status,
        observed_at,
        row_number() over looks as look,
        lag(observed_at) over looks as look_before,
        lag(status) over looks is distinct from status as is_entered,
        lead(observed_at) over looks is null as is_last,
    from observations
    where outcome = 'task' and status is not null
    window looks as (
        partition by task_id, source
        -- two answers of one instant: ends come last; sorting by a number takes half the time that sorting by text does
        order by
            observed_at,
            list_position(
                ['NOT_START', 'SUBMITTED', 'QUEUED', 'IN_PROGRESS', 'UNKNOWN', 'FAILURE', 'SUCCESS'], status
            )
    )
),

-- what stands between the first look at a status and the last look at the task says nothing more
turns as (
    select
        *,
        row_number() over turns - 1 as span_index,
        lead(is_entered) over turns as is_next_entered,
        lead(observed_at) over turns as next_at,
        lead(look_before) over turns as before_next,
        lead(look) over turns as next_look,
    from looks
    where (is_entered or is_last) and not (look = 1 and is_last)
    window turns as (partition by task_id, source order by look)
)

select
    source,
    task_id,
    span_index,
    status,
    look_before as entered_after,
    observed_at as entered_by,
    case
        when is_last then observed_at
        when is_next_entered then before_next
        else next_at
    end as left_after,
    case when is_next_entered then next_at end as left_by,
    case
        when is_last then 1
        when is_next_entered then next_look - look
        else next_look - look + 1
    end as observations,
    epoch(left_after) - epoch(entered_by) as min_seconds,
    epoch(left_by) - epoch(entered_after) as max_seconds,
from turns
where is_entered
union all by name
-- tasks looked at once, most of them as a rule, need no second sorting
select
    source,
    task_id,
    0 as span_index,
    status,
    observed_at as entered_by,
    observed_at as left_after,
    1 as observations,
    0 as min_seconds,
from looks
where look = 1 and is_last;
