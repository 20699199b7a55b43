-- One row per source: every id ever accepted, and where it stands. The four ends (ended, quarantined, given_up, pending:
-- its polling) add up to `accepted`, always; so do understood, not_understood, given_up_unseen and unseen (what is
-- known of it); and given and discovered (how it came).
--
-- source: which gateway the ids belong to
-- accepted: distinct ids accepted
-- ended: those whose task has been seen to end
-- quarantined: those still asked for whose last answer could not be understood
-- given_up: those no longer asked for
-- pending: the other ones: still asked for
-- understood: those of which a task is known, running or ended
-- not_understood: those without a task whose last answer could not be understood
-- given_up_unseen: those without a task that are no longer asked for
-- unseen: those without a task that are still asked for
-- given: those that were given: as arguments, in files, by SQL
-- discovered: those that came by the gateway's own list of tasks alone (collect --discover)
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
    -- What has ended is understood and not pending: few rows are left to look for.
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
