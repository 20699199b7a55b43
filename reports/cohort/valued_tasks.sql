-- One row per task that has all the values of $wanted, pairs of dimension and value; NULL is a task without a value.
create table memory.valued_tasks as
select source, task_id,
from memory.task_values('every_task')
where
    len(
        list_filter(
            $wanted::varchar[][],
            lambda pair: not list_contains(dimensions, {'dimension': pair[1], 'value': pair[2]})
        )
    ) = 0;
