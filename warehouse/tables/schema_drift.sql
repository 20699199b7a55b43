-- One row per JSON path and kind of drift: unexpected fields and types in answers.
--
-- json_path: where, from the top of a plain answer, e.g. $.data.data.new_field
-- kind: unknown_field: kept in extras; type_mismatch: converted if possible, else NULL
-- json_type: the JSON types seen there, sorted and joined with |
-- first_seen_at: when it was first seen
-- last_seen_at: when it was last seen
-- seen_count: in how many objects it was seen
-- example_task_id: the task of the first one
create table if not exists schema_drift (
    json_path varchar,
    kind varchar,
    json_type varchar,
    first_seen_at timestamptz,
    last_seen_at timestamptz,
    seen_count bigint,
    example_task_id varchar
);
