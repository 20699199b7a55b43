-- The ids to poll now: those in the temp table `given` that have not ended (with $again, all of them), and every known
-- one that is due.
--
-- They are in pseudo-random order, the same each time, so that many broken ids in sequence do not look like an outage.
-- Ids whose last poll failed come last, so that good ids do not wait for broken ones.
--
-- task_id: the id
-- has_failed: whether the gateway failed when it was last polled, or could not be reached
--
-- $source; $moment; $refresh: whether known tasks that are due are polled, too;
-- $number, $of: only known tasks whose hash modulo $of is $number; `given` is restricted in the same way already;
-- $again: whether given ids that have ended are polled, too;
-- $only_due: whether given ids are polled only if they are due, as in the later rounds of --follow
with ended as (
    select task_id
    from tasks
    where source = $source and is_terminal and not $again
),

due as (
    select task_id
    from due_tasks_at($moment)
    where source = $source and is_due and hash(task_id) % $of = $number
),

wanted as (
    select task_id
    from given
    anti join ended using (task_id)
    where not $only_due or task_id in (from due)
    union
    select task_id
    from due
    where $refresh
),

failed as (
    select task_id
    from pending
    where source = $source and last_outcome in ('server_error', 'transport_error')
)

select
    task_id,
    task_id in (from failed) as has_failed,
from wanted
order by has_failed, hash(task_id), task_id;
