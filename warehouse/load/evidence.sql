-- The ids that may now prove that an answer is about another task: the ids that answers of this load came under, and
-- the ids that this load is about.
--
-- $everything: whether to include all ids that answers ever came under
create or replace temp table evidence as
with named as (
    select source, answered_id as id from new_observations
    union all
    select source, answered_work_id from new_observations
    union all
    select source, task_id from new_observations
    union all
    select source, task_id from new_requests
    union all
    select source, answered_id from observations where $everything and answered_id is not null
    union all
    select source, answered_work_id from observations where $everything and answered_work_id is not null
)

select distinct source, plain_id(id) as id
from named
where id is not null;
