-- Which of the given ids of a source are known: in `tasks`, or pending.
--
-- task_id: the id
--
-- $source; $ids
select task_id from tasks where source = $source and task_id in (select unnest($ids::varchar []))
union
select task_id from pending where source = $source and task_id in (select unnest($ids::varchar []));
