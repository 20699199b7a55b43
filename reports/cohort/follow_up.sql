-- How far a kind of task was followed up is the same for all buckets.
create view pooled_total.kind_follow_up as
from pooled.kind_follow_up;

create view pooled_buckets.kind_follow_up as
select memory.bucket_number(bucket_start) as source, kind_follow_up.* exclude (source),
from memory.every_bucket
cross join pooled.kind_follow_up;

create view buckets_total.kind_follow_up as
from pooled_buckets.kind_follow_up;
