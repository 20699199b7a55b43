"""Turns OpenAI-style video objects into the envelope of a task, before `locate` runs.

    {"id": "…", "object": "video", "status": "queued", "progress": 40, "created_at": 1, "completed_at": 2,
     "model": "sora-2", "error": {"code": "…", "message": "…"}}

The object may be in an envelope. Its fields get the names of a task's fields; the original object is kept as well.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from transforms.wording import well_formed

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The name of this shape of answer.
SHAPE: Final = "openai_video"

#: Only answers that match are parsed here.
_MAY_BE_ONE: Final = r'"object"\s*:\s*"video"'

#: The names of its times in a task.
_TIMES: Final = {"created_at": "submit_time", "started_at": "start_time", "completed_at": "finish_time"}


#: The original video objects: `value` is JSON text.
VIDEOS: Final = pl.Schema({"row": pl.UInt32(), "value": pl.String()})


def with_tasks(docs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`docs` (`row`, `text`) with each video replaced by the envelope of a task, and the original videos (`VIDEOS`).

    Other documents stay as they are. Text that is not JSON does not raise.
    """
    suspects = docs.filter(pl.col("text").str.contains(_MAY_BE_ONE).fill_null(value=False))
    found = [(row, video) for row, text in suspects.iter_rows() if (video := _video_in(text)) is not None]
    videos = pl.DataFrame([(row, _text(video)) for row, video in found], schema=VIDEOS, orient="row")
    if videos.is_empty():
        return docs, videos
    tasks = pl.DataFrame([(row, _text(_enveloped(video))) for row, video in found], schema=docs.schema, orient="row")
    return pl.concat([docs.join(tasks, on="row", how="anti"), tasks]).sort("row"), videos


def _text(value: dict[str, Any]) -> str:
    return well_formed(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _video_in(text: str) -> dict[str, Any] | None:
    try:
        return next((one for one in _walk(json.loads(text)) if _is_video(one)), None)
    except (ValueError, RecursionError):
        return None


def _walk(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON value
    """The objects along `data`, the outermost first, up to the first that is a task already."""
    while isinstance(value, dict) and (_is_video(value) or not {"task_id", "status"} <= value.keys()):
        yield value
        value = value.get("data")


def _is_video(value: dict[str, Any]) -> bool:
    return value.get("object") == "video" and isinstance(value.get("status"), str) and bool(value.get("id"))


def _enveloped(video: dict[str, Any]) -> dict[str, Any]:
    error = video.get("error")
    reason = error.get("message") or error.get("code") if isinstance(error, dict) else error
    task = {
        "task_id": video.get("task_id") or video["id"],
        "status": video["status"],
        "fail_reason": reason if isinstance(reason, str) else "",
        "progress": video.get("progress"),
        **{ours: video[theirs] for theirs, ours in _TIMES.items() if video.get(theirs)},
        **({"properties": {"origin_model_name": video["model"]}} if isinstance(video.get("model"), str) else {}),
    }
    return {"code": "success", "message": "", "data": task}
