-- One row per answer that came and could not be understood.
--
-- source: which gateway was asked
-- task_id: the id that was asked for
-- observed_at: when the answer came
-- segment_id: the archive segment that holds it, byte for byte
-- reason: oversized, redirect, wrong_encoding, empty_body, html, not_text, wrong_path, http_error, not_json,
--   renamed_envelope (a task is there, under other names), error_answer or unknown_shape
-- detail: what the answer or the wire said, in words
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
