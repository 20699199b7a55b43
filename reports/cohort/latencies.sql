-- Latencies and chances to fail of the chosen tasks as if they were of one kind. They are derived from those of the
-- cohort instead of computed from the pooled tasks: the age from which a task could be seen to end depends on its own
-- source, and its chance to fail on its own kind.
create view pooled.task_latency as
select * replace ('all' as source, 'all' as action),
from cohort.task_latency;

create view pooled_buckets.task_latency as
select
    task_latency.* replace (
        memory.bucket_number(submit_time) as source,
        'all' as action
    ),
from cohort.task_latency
where submit_time is not null;

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
        memory.bucket_number(submit_time) as source,
        'all' as action,
        'epoch'::timestamptz as submit_time
    ),
from cohort.failure_chance;

create view cohort_total.kind_follow_up as
from cohort.kind_follow_up;
