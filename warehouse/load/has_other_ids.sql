-- Whether any answer ever came under another id than was polled, or its work did. If none did, the columns are NULL in
-- every block, which DuckDB knows without reading them.
select
    exists (from observations where answered_id is not null)
    or exists (from observations where answered_work_id is not null) as has_other_ids;
