-- For each driver of $wanted the newest three tasks of the table candidates that failed, or where its tasks do not fail more
-- often the slowest three that succeeded.
with wanted as (
    select unnest(
        $wanted::struct(number bigint, dimension varchar, value varchar, fails boolean)[], recursive := true
    )
)

select
    wanted.number,
    candidates.source,
    candidates.task_id,
    row_number() over (
        partition by wanted.number
        order by
            if(wanted.fails, epoch(coalesce(finish_time, first_terminal_at)), latency_seconds) desc nulls last,
            candidates.source,
            candidates.task_id
    ) as place,
from candidates
inner join task_values('candidates') as valued
    on candidates.source = valued.source and candidates.task_id = valued.task_id
inner join wanted
    on list_contains(dimensions, {'dimension': wanted.dimension, 'value': wanted.value})
    and wanted.fails = (status = 'FAILURE')
qualify place <= 3;
