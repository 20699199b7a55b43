-- One row per filter and value that tasks of the published warehouse have, the most common value first.
--
-- filter_name: source, action or template
-- value: the value to filter by
-- label: the value; for a template its title, and the value in parentheses
-- tasks: tasks that have it
with found as (
    select 'source' as filter_name, source as value, source as label, count(*) as tasks,
    from published.tasks
    group by all

    union all

    select 'action' as filter_name, action as value, action as label, count(*) as tasks,
    from published.tasks
    group by all

    union all

    select
        'template' as filter_name,
        template_id as value,
        concat_ws(' ', mode(music_title), '(' || template_id || ')') as label,
        count(*) as tasks,
    from published.works
    group by template_id
)

from found
where value is not null
order by filter_name, tasks desc, value;
