-- Which statuses did one task go through? Here the task with the most changes; replace it by any other task_id.
-- Asked by: SRE.
select status, entered_after, entered_by, left_after, left_by, min_seconds, max_seconds,
from status_spans
where task_id = (select task_id from status_spans order by span_index desc, task_id limit 1)
order by source, span_index;
