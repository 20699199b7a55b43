-- Whether any answer, or the work in it, ever came under another id than the one polled. If none did, the columns are
-- NULL everywhere, which DuckDB knows from the statistics of their blocks without reading them.
select
    exists (from observations where answered_id is not null)
    or exists (from observations where answered_work_id is not null) as has_other_ids;
