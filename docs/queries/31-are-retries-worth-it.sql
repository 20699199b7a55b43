-- How many attempts does a piece of work take, and what did those that never succeeded cost?
-- Asked by: finance.
select
    attempts,
    count(*) as pieces,
    count(*) filter (where final_event = 'SUCCESS') as succeeded,
    round(sum(charged) filter (where final_event = 'FAILURE'), 2) as charged_in_vain,
from attempts
group by attempts
order by attempts;
