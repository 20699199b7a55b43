-- One row per task that the gateway has ever returned, from its winning answer: a terminal answer wins over any other,
-- then one under the id that was polled, then the latest. An answer that is proven to be about another task (see
-- competing_answers) wins only if there is no other; then identity_conflict is true, the status is UNKNOWN, and
-- all values by which the other task would affect a statistic are NULL.
--
-- source: which gateway the id belongs to; part of every key
-- task_id: the id that was polled
-- answered_id: the id that the winning answer came under, if that is another than the one polled (quality flag
--   task_id_differs); NULL if the two differ only in case or the prefix task_, or the answer has no id
-- answered_work_id: the animate_id of the work inside the task, if that is another id than the one polled
-- identity_conflict: whether the winning answer is proven to be about another task; such ids are polled again and are
--   in no statistic. competing_answers has the answer as it came
-- action: what the task does, e.g. avatar-generate
-- status: NOT_START, SUBMITTED, QUEUED, IN_PROGRESS, SUCCESS, FAILURE or UNKNOWN
-- status_raw: the status as it came; for a work without its task, the web_work_status
-- is_terminal: whether the task has ended: SUCCESS or FAILURE
-- fail_reason: why it failed, as it came: from the task's own field, or from the innermost object that failed; words
--   such as success and null do not count as reasons; NULL for a success
-- fail_class: the cause of a failure, by failure_rules: provider, gateway, gateway_timeout, content_policy, input,
--   account, rate_limit, network, cancelled; unknown when no rule matched
-- fail_rule: name of the rule in failure_rules that decided it; NULL when none matched
-- result_url: where the video is: from the task's own field, or from where older gateways put it, or the work's video
--   path; as it came, even if relative; for a data: URL its beginning and its length
-- result_expires_at: when result_url, if signed, stops working (see url_expires_at); NULL when the URL does not show it
-- notify_hook: the caller's webhook
-- submit_time: when the gateway accepted the task; like every time, NULL if it is not a valid time or before 2020
-- start_time: when the gateway's poller first saw it running; NULL when it never did, which is common
-- finish_time: when the gateway's poller noticed the end: late by seconds to minutes; no durations are computed from a
--   time in the future
-- progress_pct: progress, 0 to 100; usually just derived from the status; NULL for a value such as 0.42, which may be a
--   fraction of 1
-- queue_seconds: start_time - submit_time; NULL unless both are known and in order
-- run_seconds: finish_time - start_time; NULL unless both are known and in order
-- latency_seconds: finish_time - submit_time, by the gateway's clock; NULL unless both are known and in order
-- provider_latency_seconds: finish_time - the work's create_time, from the provider's clock to the gateway's; NULL
--   unless both are known and in order
-- quota: what was charged when the task was submitted, in the gateway's units; it does not change when a failure is
--   refunded, so it is not the cost of a failed task (see cost_daily)
-- platform: the provider behind the gateway
-- model: the requested model (properties.origin_model_name), else the one used upstream
-- shape: the shape of the answer: task_envelope, work_envelope, bare_work, nested_gateway, openai_video
-- requested_at: when the id was first accepted
-- first_asked_at: when it was first polled, with any outcome
-- first_observed_at: when the task was first seen
-- last_observed_at: when the task was last seen
-- observation_count: how often the task was seen
-- last_running_at: when it was last seen running; the task ended between this and first_terminal_at, by our own clock
-- first_terminal_at: when it was first seen ended
-- quality_flags: what is doubtful about this row, e.g. start_missing, finish_before_submit, text_repaired
-- extras: fields of the task that have no column, as one JSON object
-- gateway_version: of the gateway that gave the winning answer; NULL if the answer does not have it
-- segment_id: the archive segment the winning answer was written to
-- observed_at: when the winning answer was seen
-- body_hash: BLAKE2b-128 of the winning answer's body, in hex; breaks ties
-- run_id: the run that fetched the winning answer
create table if not exists tasks (
    source varchar,
    task_id varchar,
    answered_id varchar,
    answered_work_id varchar,
    identity_conflict boolean default false,
    action varchar,
    status varchar,
    status_raw varchar,
    is_terminal boolean,
    fail_reason varchar,
    fail_class varchar,
    fail_rule varchar,
    result_url varchar,
    result_expires_at timestamptz,
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
    requested_at timestamptz,
    first_asked_at timestamptz,
    first_observed_at timestamptz,
    last_observed_at timestamptz,
    observation_count bigint,
    last_running_at timestamptz,
    first_terminal_at timestamptz,
    quality_flags varchar[],
    extras json,
    gateway_version varchar,
    segment_id varchar,
    observed_at timestamptz,
    body_hash varchar,
    run_id varchar
);
