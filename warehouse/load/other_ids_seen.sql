-- Whether any answer, or the work in it, came under another id than the one polled, in any load before this one. If none
-- did, the columns are NULL everywhere, which DuckDB knows from the statistics of their blocks without reading them. After
-- an insert in the same transaction it reads them (25 million rows: 0.3 s), so this is looked up at the beginning, and
-- `has_other_ids` keeps it up to date.
create or replace temp table other_ids_seen as
select
    exists (from observations where answered_id is not null)
    or exists (from observations where answered_work_id is not null) as has_any;
