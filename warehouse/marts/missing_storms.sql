-- One row per source and UTC hour in which the gateway knew nothing of many ids at once: 20 or more, and at least half of
-- all that it said anything about. So it is when the key, the account or the address is another than before, rather than
-- when ids are stale: a trickle of those stays below 20 an hour, a batch of them is a minority where tasks are collected
-- as well. Where it is neither, as in a new deployment whose ids are all unknown, nobody can tell, and keeping the ids
-- costs a poll an hour at most. It is decided from the answers alone, so that any order of loading gives the same.
--
-- source: which gateway was asked
-- hour_start: beginning of the hour
-- missing_ids: ids that it knew nothing of
-- answered_ids: ids that it knew, or knew nothing of
-- share: missing_ids / answered_ids
create or replace view missing_storms as
with suspected as (
    select
        source,
        epoch_us(observed_at) // 3_600_000_000 as hour_number,
        count(distinct task_id) as missing_ids,
    from observations
    where outcome = 'missing'
    group by all
    having missing_ids >= 20
),

answered as (
    select suspected.source, suspected.hour_number, count(distinct observations.task_id) as answered_ids,
    from observations
    inner join suspected
        on observations.source = suspected.source
        and epoch_us(observations.observed_at) // 3_600_000_000 = suspected.hour_number
    where observations.outcome in ('task', 'missing')
    group by all
)

select
    source,
    to_timestamp(hour_number * 3600) as hour_start,
    missing_ids,
    answered_ids,
    missing_ids / answered_ids as share,
from suspected
inner join answered using (source, hour_number)
where missing_ids * 2 >= answered_ids;
