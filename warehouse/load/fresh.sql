-- The row numbers of the answers among `new_answers` that are not loaded yet, from this segment or any other.
select new_answers.row
from new_answers
anti join (
    select * from observations where observed_at between $earliest and $latest
) as loaded
using (source, task_id, observed_at, run_id, body_hash);
