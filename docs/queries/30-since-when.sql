-- Since when has it been so: is there a step in failures or latency, and how many series have none?
-- Asked by: SRE.
select
    (select count(distinct (source, action)) from tasks) as kinds,
    count(*) as steps,
    min(changed_at) as first_change,
    arg_min(metric, p_value) as clearest_metric,
    arg_min(before, p_value) as before,
    arg_min(after, p_value) as after,
from change_points;
