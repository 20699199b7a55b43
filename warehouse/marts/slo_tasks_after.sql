-- slo_tasks, for the tasks submitted after an instant: slo_tasks_after(earliest). Other tasks are not read: a filter on
-- slo_tasks itself that compares with the result of a query would judge every task first.
--
-- objective: name of the objective
-- objective_source: which gateway the objective holds for; NULL for all
-- objective_action: which action the objective holds for; NULL for all
-- objective_seconds: the latency within which a task has to succeed
-- target: the share of tasks that should be good
-- source: which gateway the task belongs to
-- task_id: the task
-- action: what the task does
-- submit_time: when the gateway accepted the task
-- verdict: good, missed, open or unknown
-- decided_at: when the verdict became clear: at the task's end, or when its seconds were over; NULL while open
--   or unknown
create or replace macro slo_tasks_after(earliest) as table
with waited as (
    select
        *,
        epoch(first_terminal_at) - epoch(submit_time) as at_most_seconds,
        epoch(case when is_terminal then last_running_at else last_observed_at end) - epoch(submit_time)
            as at_least_seconds,
    from tasks
    where submit_time > earliest and not identity_conflict
),

judged as (
    select
        objectives.name as objective,
        objectives.source as objective_source,
        objectives.action as objective_action,
        objectives.seconds as objective_seconds,
        objectives.target,
        waited.source,
        waited.task_id,
        waited.action,
        waited.submit_time,
        case
            when waited.status = 'FAILURE' then 'missed'
            when waited.status = 'UNKNOWN' then 'unknown'
            when waited.latency_seconds <= objectives.seconds then 'good'
            when waited.latency_seconds > objectives.seconds then 'missed'
            when waited.is_terminal and waited.at_most_seconds <= objectives.seconds then 'good'
            when waited.at_least_seconds > objectives.seconds then 'missed'
            when waited.is_terminal then 'unknown'
            else 'open'
        end as verdict,
        least(coalesce(waited.latency_seconds, waited.at_most_seconds), objectives.seconds) as decided_seconds,
    from waited
    inner join objectives
        on coalesce(objectives.source = waited.source, objectives.source is null)
        and coalesce(objectives.action = waited.action, objectives.action is null)
)

select
    * exclude (decided_seconds),
    case
        when verdict in ('good', 'missed') then to_timestamp(epoch(submit_time) + decided_seconds)
    end as decided_at,
from judged;
