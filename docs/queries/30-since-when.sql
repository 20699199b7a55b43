-- Since when: how many steps are there in failures and latency, when was the first, and which is the clearest?
-- Asked by: SRE.
select
    (select count(distinct (source, action)) from tasks) as kinds,
    count(*) as steps,
    min(changed_at) as first_change,
    arg_min(metric, p_value) as clearest_metric,
    arg_min(before, p_value) as before,
    arg_min(after, p_value) as after,
from change_points;
