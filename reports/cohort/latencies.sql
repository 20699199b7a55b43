-- Latencies of the tasks chosen as if they were of one kind, made from those of the cohort: from which age a task could be
-- seen to end depends on its own source.
create view pooled.task_latency as
select * replace ('all' as source, 'all' as action),
from cohort.task_latency;

create view pooled_buckets.task_latency as
select
    task_latency.* replace (
        memory.bucket_number(submit_time)::varchar as source,
        'all' as action
    ),
from cohort.task_latency
where submit_time is not null;
