-- One row per source and UTC hour in which the gateway did not know many ids at once: 20 or more, and at least half of
-- all ids that it answered about. That happens when the key, the account or the address has changed. Stale ids hardly
-- cause it: single ones stay below 20 an hour, and a batch of them is a minority if other tasks are collected as well.
-- If the cause is unclear, as in a new deployment in which all ids are unknown, keeping the ids costs at most one poll
-- per id and hour. The view depends only on the answers, so the order of loading makes no difference.
--
-- source: which gateway was polled
-- hour_start: beginning of the hour
-- missing_ids: ids that it did not know
-- answered_ids: all ids that it answered about, known or not
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
