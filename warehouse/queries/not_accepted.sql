-- The ids in $ids that were not accepted for $source yet, without duplicates, in their order.
with given as (
    select unnest($ids::varchar[]) as task_id, generate_subscripts($ids::varchar[], 1) as position
)

select task_id
from given
anti join (select task_id from requests where source = $source) as accepted using (task_id)
group by task_id
order by min(position);
