-- What has changed since the run before this one ended, in one row; since ever where it is the first.
--
-- $run_id: this run
with this_run as (
    select source, command, started_at
    from runs
    where run_id = $run_id
),

before as (
    select max(runs.finished_at) as ended_at
    from runs
    inner join this_run using (source)
    where runs.run_id != $run_id and runs.command in ('collect', 'demo') and runs.finished_at <= this_run.started_at
),

ended as (
    select tasks.*
    from tasks
    semi join this_run using (source)
    cross join before
    where tasks.is_terminal and (before.ended_at is null or tasks.first_terminal_at > before.ended_at)
)

select
    before.ended_at as last_run_ended_at,
    (
        select count(distinct requests.task_id)
        from requests
        semi join this_run using (source)
        where before.ended_at is null or requests.requested_at > before.ended_at
    ) as ids_accepted,
    (select count(*) from ended where status = 'SUCCESS') as succeeded,
    (select count(*) from ended where status = 'FAILURE') as failed,
    (select median(latency_seconds) from ended where status = 'SUCCESS') as p50_seconds,
    (
        select count(*)
        from quarantine
        semi join this_run using (source)
        where before.ended_at is null or quarantine.observed_at > before.ended_at
    ) as quarantined,
    (
        select count(*) from schema_drift where before.ended_at is null or first_seen_at > before.ended_at
    ) as schema_surprises,
from before;
