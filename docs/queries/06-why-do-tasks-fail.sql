-- Why do tasks fail, the most common reason first?
-- Asked by: SRE.
select fingerprint, fail_class, tasks, share, last_seen_at, example,
from failure_reasons
order by tasks desc, fingerprint
limit 20;
