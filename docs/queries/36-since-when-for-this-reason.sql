-- Since when, and where, do tasks fail for this reason?
-- Asked by: SRE.
select bucket_start, source, action, fingerprint, fail_class, tasks, share, example_task_id,
from failure_reasons_by('day')
order by bucket_start desc nulls last, tasks desc, source, action, fingerprint
limit 48;
