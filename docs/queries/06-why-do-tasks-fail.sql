-- Why do tasks fail, the most common reason first?
select fingerprint, fail_class, tasks, share, last_seen_at, example,
from failure_reasons
order by tasks desc, fingerprint
limit 20;
