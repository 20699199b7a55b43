-- One row per bucket of submit_time, outcome and range of latency: the cells of the heat map.
--
-- bucket_start: the first instant of the bucket
-- outcome: succeeded, failed or running; tasks of status UNKNOWN are left out
-- bin: range of latency of tasks that succeeded: from 10^(bin / 8) seconds to 10^((bin + 1) / 8); NULL for the others
-- tasks: number of tasks
-- longest_seconds: for running tasks, the longest age when last seen
create view latency_cells as
select
    to_timestamp(bucket_number(submit_time)) as bucket_start,
    case event when 'SUCCESS' then 'succeeded' when 'FAILURE' then 'failed' else 'running' end as outcome,
    if(event = 'SUCCESS', floor(log10(greatest(latency_seconds, 0.1)) * 8)::integer, null) as bin,
    count(*) as tasks,
    max(observed_seconds) filter (where event is null) as longest_seconds,
from cohort.task_latency
where
    submit_time is not null
    and not is_unknown
    and (event is distinct from 'SUCCESS' or latency_seconds is not null)
group by all;
