"""The schema of every frame that goes into or comes out of this package.

polars infers none: an inferred type can depend on the order of rows. Times are UTC, durations seconds; missing is null.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import polars as pl

TIME: Final = pl.Datetime("us", "UTC")

#: One row per answer, as archived. `body` is byte for byte what was received (null if there was no answer);
#: `body_hash` is its BLAKE2b-128 in hex ('' without a body); `segment_id` is the segment it was first written to.
ANSWERS: Final = pl.Schema(
    {
        "source": pl.String(),
        "task_id": pl.String(),
        "observed_at": TIME,
        "segment_id": pl.String(),
        "run_id": pl.String(),
        "http_status": pl.Int32(),
        "content_type": pl.String(),
        "body": pl.Binary(),
        "body_cut": pl.Boolean(),
        "body_hash": pl.String(),
        "elapsed_ms": pl.Float64(),
        "attempts": pl.Int32(),
        "refusals": pl.Int32(),
        "request_id": pl.String(),
        "gateway_version": pl.String(),
        "error": pl.String(),
    }
)


def body_hash(body: bytes | None) -> str:
    """BLAKE2b-128 of a body in hex; '' if there is no body."""
    return "" if body is None else blake2b(body, digest_size=16).hexdigest()


#: Two answers with the same values here are the same answer, even if they are in different segments.
IDENTITY: Final = ("source", "task_id", "observed_at", "run_id", "body_hash")

#: Answers about one task are sorted by these columns; the last one is the current one.
PRECEDENCE: Final = ("is_terminal", "observed_at", "body_hash", "run_id")

#: One row per accepted id and run.
REQUESTS: Final = pl.Schema(
    {
        "source": pl.String(),
        "task_id": pl.String(),
        "requested_at": TIME,
        "run_id": pl.String(),
        "drawn_from": pl.String(),
    }
)

#: One row per page of the gateway's list of tasks, as archived: `body` is byte for byte what was received. `query` is
#: what followed the path, `action` the filter in it; the ids count as accepted at `accepted_at`, the start of the run.
LIST_PAGES: Final = pl.Schema(
    {
        "source": pl.String(),
        "query": pl.String(),
        "action": pl.String(),
        "accepted_at": TIME,
        "observed_at": TIME,
        "segment_id": pl.String(),
        "run_id": pl.String(),
        "http_status": pl.Int32(),
        "content_type": pl.String(),
        "body": pl.Binary(),
        "body_cut": pl.Boolean(),
        "body_hash": pl.String(),
        "elapsed_ms": pl.Float64(),
        "attempts": pl.Int32(),
        "refusals": pl.Int32(),
        "request_id": pl.String(),
        "gateway_version": pl.String(),
        "error": pl.String(),
    }
)

#: One row per page, in the columns of the table `list_pages`.
PAGE_FACTS: Final = pl.Schema(
    {
        "source": pl.String(),
        "query": pl.String(),
        "action": pl.String(),
        "observed_at": TIME,
        "segment_id": pl.String(),
        "run_id": pl.String(),
        "http_status": pl.Int32(),
        "items": pl.Int64(),
        "unusable_items": pl.Int64(),
        "total": pl.Int64(),
        "elapsed_ms": pl.Float64(),
        "attempts": pl.Int32(),
        "refusals": pl.Int32(),
        "request_id": pl.String(),
        "gateway_version": pl.String(),
        "error": pl.String(),
        "message": pl.String(),
        "body_hash": pl.String(),
    }
)

#: One row per span of submit_time for which the gateway's list was read completely. `action` is the filter, null if
#: there was none; `newest_submit_time` is that of the newest task in the span, null if it has no task.
LIST_WINDOWS: Final = pl.Schema(
    {
        "source": pl.String(),
        "action": pl.String(),
        "window_start": TIME,
        "window_end": TIME,
        "closed_at": TIME,
        "run_id": pl.String(),
        "tasks": pl.Int64(),
        "newest_submit_time": TIME,
    }
)

#: One row per run; `summary` is the JSON object that `collect --json` printed.
RUNS: Final = pl.Schema(
    {
        "run_id": pl.String(),
        "source": pl.String(),
        "command": pl.String(),
        "started_at": TIME,
        "finished_at": TIME,
        "exit_code": pl.Int32(),
        "summary": pl.String(),
    }
)

#: One row per answer with a task: those columns of the table `tasks` that depend on the answer alone.
TASKS: Final = pl.Schema(
    {
        "source": pl.String(),
        "task_id": pl.String(),
        "answered_id": pl.String(),
        "answered_work_id": pl.String(),
        "action": pl.String(),
        "status": pl.String(),
        "status_raw": pl.String(),
        "is_terminal": pl.Boolean(),
        "fail_reason": pl.String(),
        "fail_class": pl.String(),
        "fail_rule": pl.String(),
        "result_url": pl.String(),
        "notify_hook": pl.String(),
        "submit_time": TIME,
        "start_time": TIME,
        "finish_time": TIME,
        "progress_pct": pl.Float64(),
        "queue_seconds": pl.Float64(),
        "run_seconds": pl.Float64(),
        "latency_seconds": pl.Float64(),
        "provider_latency_seconds": pl.Float64(),
        "quota": pl.Int64(),
        "platform": pl.String(),
        "model": pl.String(),
        "shape": pl.String(),
        "quality_flags": pl.List(pl.String()),
        "extras": pl.String(),
        "gateway_version": pl.String(),
        "segment_id": pl.String(),
        "observed_at": TIME,
        "body_hash": pl.String(),
        "run_id": pl.String(),
    }
)

#: What `works` keeps of the elements of `pt_infos`; `work_hash` is the MD5 of `work_text`.
ASKED_FOR: Final[dict[str, pl.DataType]] = dict.fromkeys(("pt_count", "first_text_length"), pl.Int64()) | dict.fromkeys(
    ("first_input_kind", "first_voice_engine_id", "first_lan", "work_text"), pl.String()
)

#: One row per answer with a payload.
WORKS: Final = pl.Schema(
    {
        "source": pl.String(),
        "task_id": pl.String(),
        "answered_id": pl.String(),
        "animate_id": pl.String(),
        "animate_params_str": pl.String(),
        "create_time": TIME,
        "example_image_url": pl.List(pl.String()),
        "ext_animate_channel": pl.String(),
        "ext_sing_title": pl.String(),
        "ext_track_info": pl.String(),
        "file_type": pl.String(),
        "id": pl.String(),
        "music_title": pl.String(),
        "no_wm_work_video_path": pl.String(),
        "picture_path_list": pl.List(pl.String()),
        "play_types": pl.List(pl.String()),
        "primary_play_type": pl.String(),
        "share_magic_text": pl.String(),
        "singer": pl.String(),
        "template_create_time": TIME,
        "template_id": pl.String(),
        "tmp_online_enable": pl.Boolean(),
        "user_image_url": pl.String(),
        "video_aspect_ratio": pl.Float64(),
        "vip_enable": pl.Boolean(),
        "web_work_status": pl.Int64(),
        "webp_aspect_ratio": pl.Float64(),
        "wm_work_video_path": pl.String(),
        "work_name": pl.String(),
        "work_video_path": pl.String(),
        "work_webp_path": pl.String(),
        "animate_params_error": pl.String(),
        "extras": pl.String(),
        **ASKED_FOR,
        "is_terminal": pl.Boolean(),
        "observed_at": TIME,
        "body_hash": pl.String(),
        "run_id": pl.String(),
    }
)

#: One row per answer and element of `pt_infos`.
PT_INFOS: Final = pl.Schema(
    {
        "source": pl.String(),
        "task_id": pl.String(),
        "pt_index": pl.Int32(),
        "context": pl.String(),
        "audio_url": pl.String(),
        "voice_engine_id": pl.String(),
        "audio_id": pl.String(),
        "video_url": pl.String(),
        "video_pattern_url": pl.String(),
        "lan": pl.String(),
        "character_id": pl.String(),
        "pag_img_urls": pl.String(),
        "video_img_urls": pl.String(),
        "audio_path": pl.String(),
        "video_path": pl.String(),
        "extras": pl.String(),
        "observed_at": TIME,
        "body_hash": pl.String(),
        "run_id": pl.String(),
    }
)

#: One row per answer.
OBSERVATIONS: Final = pl.Schema(
    {
        "source": pl.String(),
        "task_id": pl.String(),
        "observed_at": TIME,
        "segment_id": pl.String(),
        "run_id": pl.String(),
        "outcome": pl.String(),
        "http_status": pl.Int32(),
        "answered_id": pl.String(),
        "answered_work_id": pl.String(),
        "status": pl.String(),
        "progress_pct": pl.Float64(),
        "elapsed_ms": pl.Float64(),
        "attempts": pl.Int32(),
        "refusals": pl.Int32(),
        "request_id": pl.String(),
        "gateway_version": pl.String(),
        "error": pl.String(),
        "message": pl.String(),
        "body_hash": pl.String(),
    }
)

#: One row per answer that could not be understood; `body_excerpt` is its first 300 characters.
QUARANTINE: Final = pl.Schema(
    {
        "source": pl.String(),
        "task_id": pl.String(),
        "observed_at": TIME,
        "segment_id": pl.String(),
        "reason": pl.String(),
        "detail": pl.String(),
        "body_excerpt": pl.String(),
    }
)

#: One row per JSON path and kind of surprise; `json_type` names the types seen, sorted and joined with '|'.
SCHEMA_DRIFT: Final = pl.Schema(
    {
        "json_path": pl.String(),
        "kind": pl.String(),
        "json_type": pl.String(),
        "first_seen_at": TIME,
        "last_seen_at": TIME,
        "seen_count": pl.Int64(),
        "example_task_id": pl.String(),
    }
)
