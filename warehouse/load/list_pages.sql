-- The pages among `new_list_pages` that are not loaded yet, from this segment or any other.
insert into list_pages by name
select distinct new_list_pages.*
from new_list_pages
anti join list_pages using (source, query, observed_at, run_id, body_hash);
