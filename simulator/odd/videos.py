"""The same tasks under another path in another shape: OpenAI-style video objects."""

from typing import Final

from simulator.life import Seen, Task, observe
from simulator.work import Json, to_json

#: Where the family serves them.
PATH: Final = "/v1/videos/"

_WORDS: Final = {"SUCCESS": "completed", "FAILURE": "failed", "IN_PROGRESS": "in_progress"}


def video_at(task: Task, now: float) -> tuple[bytes, bool] | None:
    """The body of the task's answer at `now` (Unix seconds) and whether it is the last; None before the task."""
    seen = observe(task, now)
    return None if seen is None else (to_json(video(task, seen)).encode(), seen.is_terminal)


def video(task: Task, seen: Seen) -> Json:
    """The object: a status of its own words, times in Unix seconds, and an error only where it failed."""
    found: dict[str, Json] = {
        "id": task.id,
        "object": "video",
        "status": _WORDS.get(seen.status, "queued"),
        "progress": seen.progress or 0,
        "created_at": task.submit,
        "model": task.channel.origin_model,
    }
    if seen.is_terminal:
        found["completed_at"] = seen.finish
    if seen.status == "FAILURE" and task.failure:
        found["error"] = {"code": "video_generation_failed", "message": task.failure.text}
    return found
