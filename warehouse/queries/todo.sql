-- The ids to ask for now: those of the temp table `given` that have not ended, and every known one that is due.
--
-- $source; $moment; $refresh: whether known tasks that are due are asked too;
-- $only_due: whether given ones are asked only when they are due, as in the later rounds of --follow
with ended as (
    select task_id
    from tasks
    where source = $source and is_terminal
),

due as (
    select task_id
    from due_tasks_at($moment)
    where source = $source and is_due
)

select task_id
from given
anti join ended using (task_id)
where not $only_due or task_id in (from due)
union
select task_id
from due
where $refresh;
