"""A task's answer as the gateway sends it, in all known shapes, from the plain envelope to the most unusual one."""

from typing import Any

from simulator.life import Seen, Task, observe
from simulator.work import Json, Work, params_as_sent, result_url, to_json, work_of

NOTHING: dict[str, Json] = {"empty_text_payload": "", "empty_object_payload": {}, "empty_list_payload": []}
HOOK_URL = "https://hooks.customer.example/avatar?token=8d1f"
TIME_FIELDS = ("submit_time", "start_time", "finish_time", "created_at", "updated_at")


def body_at(task: Task, now: float) -> tuple[bytes, bool] | None:
    """The body of the answer at `now` (Unix seconds), and whether it is final; None before the task's submission."""
    seen = observe(task, now)
    return None if seen is None else (body_of(task, seen), seen.is_terminal)


def body_of(task: Task, seen: Seen) -> bytes:
    return to_json(document(task, seen)).encode()


def document(task: Task, seen: Seen) -> Json:
    """The answer as a JSON document."""
    work = None if seen.phase is None else work_of(task, seen.phase)
    whole = _shaped(task, seen, None if work is None else work_document(task, work))
    return _with_numbers_as_text(whole) if task.quirk_name == "string_numbers" else whole


def work_document(task: Task, work: Work) -> dict[str, Json]:
    """`data.data` as the provider writes it."""
    odd: dict[str, dict[str, Json]] = {
        "unknown_field": {"render_seed": 4711, "moderation": {"score": 0.02, "labels": ["none"]}},
        "type_mismatch": {"video_aspect_ratio": "wide"},
    }
    return {"animate_params_str": params_as_sent(task, work)} | work.values | odd.get(task.quirk_name, {})


def _shaped(task: Task, seen: Seen, work: dict[str, Json] | None) -> Json:
    if task.quirk_name == "bare_work":
        return work
    if task.quirk_name == "work_envelope":
        return {"code": 200, "message": "success", "data": work}
    code = 200 if task.quirk_name == "numeric_code" else "success"
    return {"code": code, "message": "", "data": _envelope(task, seen, _payload(task, seen, work))}


def _payload(task: Task, seen: Seen, work: dict[str, Json] | None) -> Json:
    """The content of `data.data`: the work, possibly wrapped, or one of the values that mean that there is none."""
    if work is None:
        return NOTHING.get(task.quirk_name)
    if task.quirk_name == "payload_string":
        return to_json(work)
    if task.quirk_name == "nested_gateway":
        return {"code": "success", "message": "", "data": work}
    if task.quirk_name == "nested_gateway_task":
        return {"code": "success", "message": "", "data": _inner_task(task, seen, work)}
    return work


def _inner_task(task: Task, seen: Seen, work: dict[str, Json]) -> dict[str, Json]:
    """The task of the gateway behind the gateway: another id, other times, another word for the status."""
    words = {"SUCCESS": "succeeded", "FAILURE": "failed"}
    return {
        "task_id": task.id[::-1],
        "notify_hook": "https://outer.gateway.example/notify",
        "action": "video-generate",
        "status": words.get(seen.status, "processing"),
        "fail_reason": "",
        "submit_time": task.submit + 1,
        "start_time": 0,
        "finish_time": max(task.submit + 1, seen.finish - 5) if seen.is_terminal else 0,
        "progress": "99%",
        "data": work,
    }


def _envelope(task: Task, seen: Seen, payload: Json) -> dict[str, Json]:
    fields: dict[str, Json] = {
        "task_id": task.id,
        "notify_hook": HOOK_URL if task.has_hook else "",
        "action": task.action,
        "status": seen.word,
        "fail_reason": _fail_reason(task, seen),
        "submit_time": task.submit,
        "start_time": seen.start,
        "finish_time": seen.finish,
        "progress": _progress(task, seen),
        "data": payload,
    }
    fields |= _new_style(task, seen) if task.is_new_style else {}
    fields |= {"priority": 5} if task.quirk_name == "unknown_field" else {}
    return _in_milliseconds(fields) if task.quirk_name == "millisecond_times" else fields


def _fail_reason(task: Task, seen: Seen) -> str:
    if task.failure and seen.status == "FAILURE":
        return task.failure.text
    return result_url(task) if task.quirk_name == "url_in_fail_reason" and seen.status == "SUCCESS" else ""


def _new_style(task: Task, seen: Seen) -> dict[str, Json]:
    """The fields newer gateways add; on a failure `result_url` repeats the error text."""
    number = int.from_bytes(task.id[-4:].encode(), "big") % 1_000_000
    return {
        "id": number,
        "created_at": task.submit,
        "updated_at": seen.finish or seen.start or task.submit,
        "platform": task.channel.platform,
        "user_id": 7,
        "group": "default",
        "channel_id": task.channel.number,
        "quota": quota(task),
        "result_url": result_url(task) if seen.status == "SUCCESS" else _fail_reason(task, seen),
        "properties": {
            "input": "",
            "upstream_model_name": task.channel.upstream_model,
            "origin_model_name": "" if task.quirk_name == "upstream_model_only" else task.channel.origin_model,
        },
        "username": "avatar-team",
    }


def quota(task: Task) -> int:
    """The task's cost, from the channel's number and the length of the action's name: arbitrary, but fixed."""
    return 1_000 * task.channel.number + 10 * len(task.action)


def _progress(task: Task, seen: Seen) -> Json:
    if seen.progress is None:
        return ""
    forms: dict[str, Json] = {"numeric_progress": seen.progress, "bare_text_progress": str(seen.progress)}
    return forms.get(task.quirk_name, f"{seen.progress}%")


def _in_milliseconds(fields: dict[str, Json]) -> dict[str, Json]:
    return {name: value * 1000 if name in TIME_FIELDS else value for name, value in fields.items()}


def _with_numbers_as_text(value: Any) -> Json:  # noqa: ANN401  (it takes any JSON value)
    if isinstance(value, dict):
        return {name: _with_numbers_as_text(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_numbers_as_text(part) for part in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value
