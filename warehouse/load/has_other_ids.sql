-- Whether any answer, or the work in it, ever came under another id than the one polled. If none did, the columns are
-- NULL in every block, and DuckDB knows that without reading them.
select
    exists (from observations where answered_id is not null)
    or exists (from observations where answered_work_id is not null) as has_other_ids;
