-- The slowest three tasks of each of the six largest cells of the heat map above the time within which 95% have ended.
with slow as (
    select
        bucket_start,
        bin,
        tasks,
        row_number() over (order by tasks desc, bucket_start desc, bin desc) as number,
    from latency_cells
    cross join (select seconds from pooled.quantiles where q = 0.95) as p95
    where outcome = 'succeeded' and pow(10, bin / 8) >= seconds
    qualify number <= 6
)

select
    number,
    slow.bucket_start,
    slow.bin,
    slow.tasks,
    source,
    task_id,
    row_number() over (partition by number order by latency_seconds desc, source, task_id) as place,
from cohort.task_latency
inner join slow
    on to_timestamp(bucket_number(submit_time)) = slow.bucket_start
    and floor(log10(greatest(latency_seconds, 0.1)) * 8)::integer = slow.bin
where event = 'SUCCESS' and latency_seconds >= (select min(pow(10, bin / 8)) from slow)
qualify place <= 3;
