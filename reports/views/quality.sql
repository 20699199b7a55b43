-- One row per check of the cohort's data, the one that fails most often first. The columns are those of data_quality.
create view quality as
from cohort.data_quality
order by coalesce(share, 0) desc, checked desc, check_name;
