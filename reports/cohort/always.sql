-- One row per task of the sources, actions and templates chosen, whenever it was submitted; columns as in tasks.
create view memory.always as
select tasks.*,
from published.tasks
cross join memory.filters
where
    (sources is null or list_contains(sources, tasks.source))
    and (actions is null or list_contains(actions, tasks.action))
    and (
        templates is null
        or exists (
            from published.works
            where
                works.source = tasks.source
                and works.task_id = tasks.task_id
                and list_contains(templates, works.template_id)
        )
    );
