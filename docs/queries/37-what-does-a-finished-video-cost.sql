-- What does a finished video cost, failures and further attempts included, by template?
-- Asked by: finance.
-- Of the pieces of work whose cost is known.
select
    source,
    template_id,
    count(charged) as pieces,
    count(*) filter (where final_event = 'SUCCESS' and charged is not null) as finished,
    sum(charged) / nullif(finished, 0) as per_finished,
    any_value(currency) as currency,
from attempts
where final_event is not null
group by source, template_id
having count(charged) > 0
order by per_finished desc nulls first, template_id;
