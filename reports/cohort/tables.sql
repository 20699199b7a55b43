-- The tables that the views of each database read: the same views over other tasks give the statistics of those tasks.
--
-- whole: all tasks, regardless of the filters
-- always: the tasks of the chosen sources, actions, templates and values, submitted at any time
-- cohort: of these, the tasks submitted in the chosen range of time, with their works and parts
-- pooled: the tasks of cohort as if they were of one kind: source and action are 'all'
-- pooled_always: the tasks of always as if they were of one kind
-- pooled_buckets: the tasks of cohort as if each bucket of time were a source, named by its beginning in Unix seconds
-- cohort_total: the tasks of cohort, also those without a submit_time, with the same submit_time: all are in one day,
--   so that the day's failure rate is that of all. Here and below only counts are valid; durations are wrong
-- pooled_total: the tasks of pooled, in the same way
-- buckets_total: the tasks of pooled_buckets, in the same way
create view pooled.tasks as
select * replace ('all' as source, 'all' as action),
from cohort.tasks;

create view pooled_always.tasks as
select * replace ('all' as source, 'all' as action),
from always.tasks;

create view pooled_buckets.tasks as
select
    tasks.* replace (
        memory.bucket_number(submit_time) as source,
        'all' as action
    ),
from cohort.tasks
where submit_time is not null;

create view cohort_total.tasks as
select * replace ('epoch'::timestamptz as submit_time),
from cohort.tasks;

create view pooled_total.tasks as
select * replace ('epoch'::timestamptz as submit_time),
from pooled.tasks;

create view buckets_total.tasks as
select * replace ('epoch'::timestamptz as submit_time),
from pooled_buckets.tasks;
