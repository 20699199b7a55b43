-- The tasks with an answer that `evidence` proves to be about another task, the id that proves it, and whether the
-- answer came under the id polled (`is_own`: then only the id of the work can prove it) or under another. Answers under
-- the id polled are compared only with each other: that a proxy returned such an answer for another id, too, proves
-- nothing against it.
create or replace temp table proven as
with named as (
    select source, task_id, answered_id is null as is_own, answered_id as id
    from observations
    where answered_id is not null
    union all
    select source, task_id, answered_id is null, answered_work_id
    from observations
    where answered_work_id is not null
),

suspects as (
    select distinct named.source, named.task_id, named.is_own, plain_id(named.id) as id
    from named
    inner join evidence on named.source = evidence.source and plain_id(named.id) = evidence.id
),

shared as (
    select
        source,
        id,
        count(distinct plain_id(task_id)) as for_ids,
        count(distinct plain_id(task_id)) filter (where is_own) as for_own_ids,
    from suspects
    group by source, id
),

known as (
    select source, task_id from tasks
    union all
    select source, task_id from pending
    union all
    select source, task_id from new_observations
    union all
    select source, task_id from new_requests
),

polled as (
    select distinct known.source, shared.id
    from known
    inner join shared on known.source = shared.source and plain_id(known.task_id) = shared.id
)

select suspects.source, suspects.task_id, suspects.is_own, suspects.id
from suspects
inner join shared using (source, id)
left join polled using (source, id)
anti join other_ids_accepted using (source)
where polled.id is not null or if(suspects.is_own, shared.for_own_ids, shared.for_ids) > 1;
