-- The tables under the views of each database: the same views over other tasks give the same statistics of those.
--
-- whole: all tasks, whatever is chosen
-- always: the tasks of the sources, actions and templates chosen, submitted at any time
-- cohort: of these the ones submitted in the range of time chosen, and what belongs to them
-- pooled: the tasks chosen as if they were of one kind, source and action 'all'
-- pooled_always: the same, submitted at any time
-- pooled_buckets: the same, but each bucket of time is a source of its own, named by its beginning in Unix seconds
-- cohort_total: the tasks chosen, all submitted at one time, those without a submit_time too: one day holds them all, so
--   that its failure rate is theirs. Only counts make sense here and below, for durations are wrong
-- pooled_total: the same as if they were of one kind
-- buckets_total: the same, but each bucket is a source of its own
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
