-- For each driver of $wanted, three tasks of the table candidates: the newest that failed or, if the driver's tasks do
-- not fail more often, the slowest that succeeded.
with wanted as (
    select unnest(
        $wanted::struct(number bigint, dimension varchar, value varchar, fails boolean, is_of_payload boolean)[],
        recursive := true
    )
),

valued as materialized (
    select source, task_id, has_payload, to_json(dimensions) as value_of,
    from published.task_dimensions as dimensions
    semi join candidates on dimensions.source = candidates.source and dimensions.task_id = candidates.task_id
    where submit_time >= $t0::timestamptz
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
inner join valued on candidates.source = valued.source and candidates.task_id = valued.task_id
inner join wanted
    on (value_of ->> wanted.dimension) is not distinct from wanted.value
    and (valued.has_payload or not wanted.is_of_payload)
    and wanted.fails = (status = 'FAILURE')
qualify place <= 3;
