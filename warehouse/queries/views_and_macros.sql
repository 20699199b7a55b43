-- One row per view and macro that is not built into DuckDB: its kind, as in a DROP statement, and its name.
select 'view' as kind, view_name as name
from duckdb_views()
where database_name = current_database() and schema_name = current_schema() and not internal and not temporary
union all
select distinct
    case function_type when 'macro' then 'macro' else 'macro table' end as kind,
    function_name as name,
from duckdb_functions()
where database_name = current_database() and schema_name = current_schema() and not internal;
