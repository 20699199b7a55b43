-- One row per source with a storm of missing ids at an instant: lasting_storms_at(moment). A storm lasts until two
-- hours after the beginning of its last hour in missing_storms: within that time every id is polled again. While it
-- lasts, no id of the source is given up.
--
-- source: which gateway
-- since: beginning of the first hour with a storm within the last 24 hours
-- missing_ids: ids that the gateway did not know, in the last hour of the storm
-- answered_ids: all ids that it answered about in that hour, known or not
create or replace macro lasting_storms_at(moment) as table
with of_day as (
    select
        source,
        min(hour_start) as since,
        max({'hour_start': hour_start, 'missing_ids': missing_ids, 'answered_ids': answered_ids}) as last_hour,
    from missing_storms
    where hour_start <= moment::timestamptz and epoch(hour_start) > epoch(moment::timestamptz) - 86_400
    group by source
)

select source, since, last_hour.missing_ids as missing_ids, last_hour.answered_ids as answered_ids,
from of_day
where epoch(last_hour.hour_start) > epoch(moment::timestamptz) - 7200;
