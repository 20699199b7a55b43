-- What has changed since the previous run of the source ended, in one row; for its first run, since the beginning.
--
-- $run_id: this run
with this_run as (
    select source, started_at
    from runs
    where run_id = $run_id
),

before as (
    select max(finished_at) as ended_at
    from runs
    where
        run_id != $run_id
        and command in ('collect', 'demo')
        and source = (select source from this_run)
        and finished_at <= (select started_at from this_run)
),

since as (
    select coalesce(ended_at, '-infinity'::timestamptz) as moment
    from before
),

ended as (
    select *
    from tasks
    where
        is_terminal
        and source = (select source from this_run)
        and first_terminal_at > (select moment from since)
),

accepted as (
    select count(*) as ids
    from (
        select min(requested_at) as first_requested_at
        from requests
        where source = (select source from this_run)
        group by task_id
    )
    where first_requested_at > (select moment from since)
),

odd as (
    select count(*) as answers
    from quarantine
    where source = (select source from this_run) and observed_at > (select moment from since)
),

drifted as (
    select count(*) as surprises
    from schema_drift
    where first_seen_at > (select moment from since)
)

select
    (select ended_at from before) as last_run_ended_at,
    (select ids from accepted) as ids_accepted,
    count(*) filter (where status = 'SUCCESS') as succeeded,
    count(*) filter (where status = 'FAILURE') as failed,
    median(latency_seconds) filter (where status = 'SUCCESS') as p50_seconds,
    (select answers from odd) as quarantined,
    (select surprises from drifted) as schema_surprises,
from ended;
