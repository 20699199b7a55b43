-- What a table holds, in one row, whatever the order of its rows.
--
-- $table_name
select count(*) as row_count, bit_xor(hash(rows_of_it)) as checksum
from query_table($table_name) as rows_of_it;
