"""The same tasks under another path and in another shape: OpenAI-style video objects."""

from typing import Final

from simulator.life import Seen, Task, observe
from simulator.work import Json, to_json

#: The path under which this family of gateways serves them.
PATH: Final = "/v1/videos/"

_WORDS: Final = {"SUCCESS": "completed", "FAILURE": "failed", "IN_PROGRESS": "in_progress"}


def video_at(task: Task, now: float) -> tuple[bytes, bool] | None:
    """The body of the answer at `now` (Unix seconds), and whether it is final; None before the task's submission."""
    seen = observe(task, now)
    return None if seen is None else (to_json(video(task, seen)).encode(), seen.is_terminal)


def video(task: Task, seen: Seen) -> Json:
    """The video object: with its own status words, times in Unix seconds, and an error only if it failed."""
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
