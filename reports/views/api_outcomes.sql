-- One row per outcome of the answers of the cohort's sources, for answers polled in the cohort's range of time.
--
-- outcome: task, missing, denied, throttled, server_error, transport_error, malformed, oversized
-- answers: answers with this outcome
-- share: their share of all
create view api_outcomes as
with counted as (
    unpivot (
        select
            sum(task)::bigint as task,
            sum(missing)::bigint as missing,
            sum(denied)::bigint as denied,
            sum(throttled)::bigint as throttled,
            sum(server_error)::bigint as server_error,
            sum(transport_error)::bigint as transport_error,
            sum(malformed)::bigint as malformed,
            sum(oversized)::bigint as oversized,
        from cohort.api_health_hourly
    )
    on columns(*)
    into name outcome value answers
)

select outcome, answers, answers / sum(answers) over () as share,
from counted
where answers > 0
order by answers desc, outcome;
