select task_id from tasks where source = $source and task_id in (select unnest($ids::varchar []))
union
select task_id from pending where source = $source and task_id in (select unnest($ids::varchar []));
