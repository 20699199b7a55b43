-- One row per source: every id ever accepted, and where it stands. The four ends add up to `accepted`, always.
--
-- source: which gateway the ids belong to
-- accepted: distinct ids accepted
-- ended: those whose task has been seen to end
-- quarantined: those still asked for whose last answer could not be understood
-- given_up: those no longer asked for
-- pending: the other ones: still asked for
create or replace view id_accounting as
with accepted as (
    select distinct source, task_id from requests
),

ends as (
    select
        accepted.source,
        case
            when pending.task_id is null then 'ended'
            when given_up_tasks.task_id is not null then 'given_up'
            when pending.last_outcome in ('malformed', 'oversized') then 'quarantined'
            else 'pending'
        end as end_kind,
    from accepted
    left join pending using (source, task_id)
    left join given_up_tasks using (source, task_id)
)

select
    source,
    count(*) as accepted,
    count(*) filter (where end_kind = 'ended') as ended,
    count(*) filter (where end_kind = 'quarantined') as quarantined,
    count(*) filter (where end_kind = 'given_up') as given_up,
    count(*) filter (where end_kind = 'pending') as pending,
from ends
group by source;
