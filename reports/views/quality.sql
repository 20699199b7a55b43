-- One row per check of the cohort's data, what fails most first; columns as in data_quality.
create view quality as
from cohort.data_quality
order by coalesce(share, 0) desc, checked desc, check_name;
