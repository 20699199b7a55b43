-- One row or two per task that was answered under another id: the best answer under the id polled, if there is one,
-- and the best one under other ids, as they came. Tasks that were answered only under the id polled are not here,
-- unless the work in an answer is proven to be that of another task.
--
-- source: which gateway was polled
-- task_id: the id that was polled
-- answered_id: the other id that the answer came under; NULL when it was the id polled
-- answered_work_id: the animate_id of the work inside the task, if that is another id than the one polled
-- is_conflict: whether an answer of this row's kind (under the id polled, or under another) is proven to be about
--   another task
-- action: as in tasks, of this answer
-- status: as in tasks, of this answer
-- status_raw: as in tasks, of this answer
-- is_terminal: as in tasks, of this answer
-- fail_reason: as in tasks, of this answer
-- fail_class: as in tasks, of this answer
-- fail_rule: as in tasks, of this answer
-- result_url: as in tasks, of this answer
-- notify_hook: as in tasks, of this answer
-- submit_time: as in tasks, of this answer
-- start_time: as in tasks, of this answer
-- finish_time: as in tasks, of this answer
-- progress_pct: as in tasks, of this answer
-- queue_seconds: as in tasks, of this answer
-- run_seconds: as in tasks, of this answer
-- latency_seconds: as in tasks, of this answer
-- provider_latency_seconds: as in tasks, of this answer
-- quota: as in tasks, of this answer
-- platform: as in tasks, of this answer
-- model: as in tasks, of this answer
-- shape: as in tasks, of this answer
-- quality_flags: as in tasks, of this answer
-- extras: as in tasks, of this answer
-- gateway_version: of the gateway that gave the answer
-- segment_id: as in tasks, of this answer
-- observed_at: as in tasks, of this answer
-- body_hash: as in tasks, of this answer
-- run_id: as in tasks, of this answer
--
-- An answer is proven to be about another task if the other id in it (answered_id or answered_work_id) is itself an id
-- that was accepted or polled for the source, or if answers for several ids of the source have it. For an answer under
-- the id polled, only the id of the work can prove it, and only works in other answers under the ids polled count as
-- evidence. For sources in other_ids_accepted nothing is proven.
create table if not exists competing_answers (
    source varchar,
    task_id varchar,
    answered_id varchar,
    answered_work_id varchar,
    is_conflict boolean,
    action varchar,
    status varchar,
    status_raw varchar,
    is_terminal boolean,
    fail_reason varchar,
    fail_class varchar,
    fail_rule varchar,
    result_url varchar,
    notify_hook varchar,
    submit_time timestamptz,
    start_time timestamptz,
    finish_time timestamptz,
    progress_pct double,
    queue_seconds double,
    run_seconds double,
    latency_seconds double,
    provider_latency_seconds double,
    quota bigint,
    platform varchar,
    model varchar,
    shape varchar,
    quality_flags varchar[],
    extras json,
    gateway_version varchar,
    segment_id varchar,
    observed_at timestamptz,
    body_hash varchar,
    run_id varchar
);
