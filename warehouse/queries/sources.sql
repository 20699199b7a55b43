-- The state of each gateway, one row per source, by name.
--
-- $now: as of when
--
-- tasks: number of known tasks; running: how many of them have not ended
-- due: ids that are due for polling
-- last_answer_at: when the last usable answer came; NULL if there was none
-- last_collect_at, exit_code, problem: of the last loaded run of collect; NULL if there is none
with known as (
    select source, count(*) as tasks, count(*) filter (where not is_terminal) as running,
    from tasks
    group by source
),

due as (
    select source, count(*) as due,
    from due_tasks_at($now)
    where is_due
    group by source
),

runs_of_collect as (
    select
        source,
        max(finished_at) as last_collect_at,
        arg_max(exit_code, finished_at) as exit_code,
        arg_max(summary ->> 'problem', finished_at) as problem,
    from runs
    where command = 'collect'
    group by source
)

select
    fresh.source,
    coalesce(known.tasks, 0) as tasks,
    coalesce(known.running, 0) as running,
    coalesce(due.due, 0) as due,
    fresh.last_answer_at,
    runs_of_collect.last_collect_at,
    runs_of_collect.exit_code,
    runs_of_collect.problem,
from collection_freshness_at($now) as fresh
left join known using (source)
left join due using (source)
left join runs_of_collect using (source)
order by fresh.source;
