-- One row per kind of failure of the cohort, the most common first; one row for the rest, from the twelfth kind on.
--
-- position: from 1
-- reason: the fingerprint from failure_reasons; NULL if the gateway gave no reason
-- fail_class: whose fault it is; NULL for the rest
-- kinds: number of kinds of failure in the row: 1, except in the row for the rest
-- tasks: tasks with this kind of failure
-- share: their share of all failed tasks
-- share_so_far: share of this row and those before it
-- example: a reason as sent; NULL for the rest
create view failure_pareto as
with ranked as (
    select *, row_number() over (order by tasks desc, fingerprint, fail_class) as place,
    from cohort.failure_reasons
),

merged as (
    select
        least(place, 12) as position,
        if(count(*) = 1, any_value(fingerprint), count(*) || ' other kinds') as reason,
        if(count(*) = 1, any_value(fail_class), null) as fail_class,
        count(*) as kinds,
        sum(tasks)::bigint as tasks,
        sum(share) as share,
        if(count(*) = 1, any_value(example), null) as example,
    from ranked
    group by least(place, 12)
)

select
    position,
    reason,
    fail_class,
    kinds,
    tasks,
    share,
    sum(share) over (order by position rows unbounded preceding) as share_so_far,
    example,
from merged
order by position;
