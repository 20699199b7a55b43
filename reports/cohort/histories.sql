-- A task's chances, how the list was drawn that it came in, and whether it was given up depend on the whole warehouse, not
-- on the cohort of a report: these, over all tasks, replace the views of the same name.
create table cohort.accepted_lists as
from published.accepted_lists;

create table cohort.failure_chance as
from published.failure_chance
semi join cohort.tasks using (source, task_id);

create view pooled.failure_chance as
select * replace ('all' as source, 'all' as action),
from cohort.failure_chance;

create view cohort_total.failure_chance as
select * replace ('epoch'::timestamptz as submit_time),
from cohort.failure_chance;

create view pooled_total.failure_chance as
select * replace ('epoch'::timestamptz as submit_time),
from pooled.failure_chance;

create view buckets_total.failure_chance as
select
    failure_chance.* replace (
        memory.bucket_number(submit_time)::varchar as source,
        'all' as action,
        'epoch'::timestamptz as submit_time
    ),
from cohort.failure_chance;

create view cohort.stuck_tasks as
from published.stuck_tasks
semi join cohort.tasks using (source, task_id);

create view pooled_always.given_up_tasks as
select * replace ('all' as source),
from published.given_up_tasks
semi join always.tasks using (source, task_id);
