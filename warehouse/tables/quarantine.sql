-- One row per answer that could not be understood.
--
-- source: which gateway was polled
-- task_id: the id that was polled
-- observed_at: when the answer was received
-- segment_id: the archive segment that has it, byte for byte
-- reason: oversized, redirect, wrong_encoding, empty_body, html, not_text, wrong_path, http_error, not_json,
--   renamed_envelope (a task is there, under other names), error_answer or unknown_shape
-- detail: the answer's message or the network error
-- body_excerpt: the first 300 characters of the body
create table if not exists quarantine (
    source varchar,
    task_id varchar,
    observed_at timestamptz,
    segment_id varchar,
    reason varchar,
    detail varchar,
    body_excerpt varchar
);
