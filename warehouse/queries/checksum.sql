-- The number of rows and a checksum of a table, in one row; independent of the order of its rows.
--
-- $table_name
select count(*) as row_count, bit_xor(hash(rows_of_it)) as checksum
from query_table($table_name) as rows_of_it;
