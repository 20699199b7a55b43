"""The rows that the warehouse must have, derived from the model of the world and never from the rendered JSON."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from simulator.life import Seen, Task, observe
from simulator.odd.quirks import PLAIN
from simulator.render import HOOK_URL, quota
from simulator.work import Json, Work, params_as_sent, result_url, to_json, work_of

Row = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Truth:
    """Rows of `tasks`, `works` and `pt_infos`, with the warehouse's names and types.

    Times are aware and in UTC, durations are float seconds, and missing values are None. `tasks` has a row for every
    task whose answer is a task; `works` only for those whose payload has been received. `extras`, `quality_flags` and
    everything that depends on when the task was observed are left out.
    """

    tasks: list[Row] = field(default_factory=list)
    works: list[Row] = field(default_factory=list)
    pt_infos: list[Row] = field(default_factory=list)


def truth_of(tasks: Iterable[Task], now: float, source: str) -> Truth:
    """The truth about `tasks` at `now` (Unix seconds)."""
    truth = Truth()
    for task in tasks:
        seen = observe(task, now)
        if seen is None:
            continue
        key = {"source": source, "task_id": task.id}
        work = None if seen.phase is None else work_of(task, seen.phase)
        truth.tasks.append(key | task_row(task, seen, work))
        if work is not None:
            truth.works.append(key | work_row(task, work))
            truth.pt_infos.extend(key | row for row in pt_info_rows(task, work))
    return truth


def task_row(task: Task, seen: Seen, work: Work | None) -> Row:
    """One row of `tasks` without its key; for an answer that is a work alone, only the columns known from a work.

    Before there is a work, a gateway behind a gateway cannot be distinguished from any other.
    """
    is_enveloped = not task.quirk.is_work_only
    has_failed = seen.status == "FAILURE"
    return {
        "action": task.action if is_enveloped else None,
        "status": seen.status,
        "status_raw": seen.word,
        "is_terminal": seen.is_terminal,
        "fail_reason": (task.failure.text or None) if has_failed and task.failure else None,
        "fail_class": task.failure.fail_class if has_failed and task.failure else None,
        "result_url": _result_url(task, work) if seen.status == "SUCCESS" else None,
        "notify_hook": HOOK_URL if task.has_hook and is_enveloped else None,
        **_times(task, seen, work),
        "progress_pct": seen.progress,
        **_new_style(task),
        "shape": task.quirk.shape if work else PLAIN.shape,
    }


def work_row(task: Task, work: Work) -> Row:
    """One row of `works` without its key."""
    values = {name: _present(value) for name, value in work.values.items() if name != "ext"}
    sent = params_as_sent(task, work)
    return values | {
        "animate_params_str": _present(sent if isinstance(sent, str) else to_json(sent)),
        "animate_params_error": "invalid_json" if task.quirk_name == "broken_params" else None,
        "create_time": _milliseconds(work.values["create_time"]),
        "template_create_time": _milliseconds(work.values["template_create_time"]),
        "video_aspect_ratio": None if task.quirk_name == "type_mismatch" else float(values["video_aspect_ratio"]),
        "webp_aspect_ratio": float(values["webp_aspect_ratio"]),
        **{f"ext_{name}": _present(value) for name, value in work.values["ext"].items()},
    }


def pt_info_rows(task: Task, work: Work) -> list[Row]:
    """Rows of `pt_infos` without their key; none if the parameters are empty or cannot be parsed."""
    if task.quirk_name in ("empty_params", "broken_params"):
        return []
    return [_pt_info_row(index, pt_info) for index, pt_info in enumerate(work.pt_infos)]


def _pt_info_row(index: int, pt_info: dict[str, Json]) -> Row:
    texts = {name: _text(value) for name, value in pt_info.items()}
    audio, video = texts["audio_url"], texts["video_url"]
    paths = {"audio_path": audio and unquote(audio), "video_path": video and unquote(video)}
    return {"pt_index": index} | texts | paths


def _result_url(task: Task, work: Work | None) -> str | None:
    """The gateway's own URL, or else the work's: the one with the watermark, or else the one without."""
    if task.is_new_style or task.quirk_name == "url_in_fail_reason":
        return result_url(task)
    values = work.values if work else {}
    return values.get("work_video_path") or values.get("no_wm_work_video_path") or None


def _times(task: Task, seen: Seen, work: Work | None) -> Row:
    submit = None if task.quirk.is_work_only else _seconds(task.submit)
    start, finish = _seconds(seen.start), _seconds(seen.finish)
    created = _milliseconds(work.values["create_time"]) if work else None
    return {
        "submit_time": submit,
        "start_time": start,
        "finish_time": finish,
        "queue_seconds": _between(submit, start),
        "run_seconds": _between(start, finish),
        "latency_seconds": _between(submit, finish),
        "provider_latency_seconds": _between(created, finish),
    }


def _new_style(task: Task) -> Row:
    if not task.is_new_style:
        return {"quota": None, "platform": None, "model": None}
    channel = task.channel
    model = channel.upstream_model if task.quirk_name == "upstream_model_only" else channel.origin_model
    return {"quota": quota(task), "platform": channel.platform, "model": model}


def _between(begin: datetime | None, end: datetime | None) -> float | None:
    """Seconds from `begin` to `end`; None unless both are known and in order."""
    if begin is None or end is None or end < begin:
        return None
    return (end - begin) / timedelta(milliseconds=1) / 1000


def _seconds(instant: int) -> datetime | None:
    return EPOCH + timedelta(seconds=instant) if instant else None


def _milliseconds(instant: int) -> datetime | None:
    return EPOCH + timedelta(milliseconds=instant) if instant else None


def _present(value: Json) -> Json:
    return None if value == "" else value


def _text(value: Json) -> str | None:
    """A string as it is, anything else as JSON text; None for null and ''."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else to_json(value)
