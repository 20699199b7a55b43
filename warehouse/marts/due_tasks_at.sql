-- One row per pending id that is still polled, as of an instant: due_tasks_at(moment). Not here are the ids that were
-- polled and given up (given_up_tasks_at): those in unknown_ids, and those older than GIVE_UP_AFTER. While a storm of
-- missing ids lasts (lasting_storms_at), no id of its source is given up.
--
-- source: which gateway the id belongs to
-- task_id: the id
-- status: the current status; NULL if the task was never seen
-- age_seconds: age of the task when it was last polled: since its submit_time, else since the id was accepted; NULL if
--   it was never polled
-- last_asked_at: when it was last polled; NULL if never
-- due_at: when it becomes due: by default last_asked_at plus a quarter of its age, at least 15 s and at most 1 h; the
--   source's polling_policy has the values. At once if it was never polled, or if last_asked_at is so far in the future
--   that the clock must have been wrong
-- is_due: whether it is due at that instant
create or replace macro due_tasks_at(moment) as table
with aged as (
    select
        pending.*,
        policy.* exclude (source),
        coalesce(pending.submit_time, pending.requested_at, pending.last_asked_at) as since,
        case when pending.last_asked_at < since then 0 else epoch(pending.last_asked_at) - epoch(since) end as age,
    from pending
    inner join polling_policy as policy on pending.source = policy.source
),

planned as (
    select
        source,
        task_id,
        status,
        age as age_seconds,
        last_asked_at,
        case
            when last_asked_at is null or epoch(last_asked_at) > epoch(moment::timestamptz) + max_seconds
            then least(requested_at, moment::timestamptz)
            else to_timestamp(epoch(last_asked_at) + least(greatest(age_share * age, min_seconds), max_seconds))
        end as due_at,
    from aged
    where
        last_asked_at is null
        or source in (select source from lasting_storms_at(moment))
        or (
            (source, task_id) not in (select (source, task_id) from unknown_ids)
            and epoch(moment::timestamptz) - epoch(since) <= give_up_after_seconds
        )
)

select *, due_at <= moment::timestamptz as is_due from planned;
