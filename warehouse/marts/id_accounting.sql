-- One row per source: all ids ever accepted, by their state. ended, quarantined, given_up and pending (the state of
-- polling) always add up to `accepted`; so do understood, not_understood, given_up_unseen and unseen (what is known of
-- the task), and given and discovered (how the id was accepted).
--
-- source: which gateway the ids belong to
-- accepted: distinct ids accepted
-- ended: those whose task has been seen to end
-- quarantined: those still polled whose last answer could not be understood
-- given_up: those no longer polled
-- pending: all others that are still polled
-- understood: those whose task is known, running or ended
-- not_understood: those without a known task that are quarantined
-- given_up_unseen: those without a known task that are no longer polled
-- unseen: those without a known task that are pending
-- given: those that were given: as arguments, in files, by SQL
-- discovered: those that came only from the gateway's own list of tasks (collect --discover)
create or replace view id_accounting as
with accepted as (
    select source, task_id, bool_and(coalesce(drawn_from = 'gateway', false)) as is_discovered,
    from requests
    group by all
),

ends as (
    select
        accepted.source,
        accepted.is_discovered,
        case
            when pending.task_id is null then 'ended'
            when given_up_tasks.task_id is not null then 'given_up'
            when pending.last_outcome in ('malformed', 'oversized') then 'quarantined'
            else 'pending'
        end as end_kind,
        pending.task_id is null or running.task_id is not null as is_understood,
    from accepted
    left join pending using (source, task_id)
    left join given_up_tasks using (source, task_id)
    -- A task that has ended is understood and not pending, so only the few running tasks have to be joined.
    left join (select source, task_id from tasks where not is_terminal) as running using (source, task_id)
)

select
    source,
    count(*) as accepted,
    count(*) filter (where end_kind = 'ended') as ended,
    count(*) filter (where end_kind = 'quarantined') as quarantined,
    count(*) filter (where end_kind = 'given_up') as given_up,
    count(*) filter (where end_kind = 'pending') as pending,
    count(*) filter (where is_understood) as understood,
    count(*) filter (where not is_understood and end_kind = 'quarantined') as not_understood,
    count(*) filter (where not is_understood and end_kind = 'given_up') as given_up_unseen,
    count(*) filter (where not is_understood and end_kind = 'pending') as unseen,
    count(*) filter (where not is_discovered) as given,
    count(*) filter (where is_discovered) as discovered,
from ends
group by source;
