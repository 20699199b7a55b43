-- Add the schema drift of this load. Each answer is loaded once (see fresh.sql), so counts can be added.
merge into schema_drift as old
using new_schema_drift as new
on old.json_path = new.json_path and old.kind = new.kind
when matched then update set
    json_type = array_to_string(
        list_sort(list_distinct(string_split(old.json_type, '|') || string_split(new.json_type, '|'))), '|'
    ),
    first_seen_at = least(old.first_seen_at, new.first_seen_at),
    last_seen_at = greatest(old.last_seen_at, new.last_seen_at),
    seen_count = old.seen_count + new.seen_count,
    example_task_id = case
        when row(new.first_seen_at, new.example_task_id) < row(old.first_seen_at, old.example_task_id)
        then new.example_task_id
        else old.example_task_id
    end
when not matched then insert by name;
