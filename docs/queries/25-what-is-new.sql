-- What does the gateway send that is not in the schema?
-- Asked by: SRE.
select json_path, kind, json_type, seen_count, first_seen_at, example_task_id,
from schema_drift
order by seen_count desc, json_path;
