-- One row per table that is not temporary: its columns as a list of (name, type), in order.
select
    table_name,
    list(row(column_name, data_type) order by column_index) as columns,
from duckdb_columns()
where
    database_name = current_database()
    and schema_name = current_schema()
    and table_name in (
        select table_name
        from duckdb_tables()
        where database_name = current_database() and schema_name = current_schema() and not temporary
    )
group by table_name;
