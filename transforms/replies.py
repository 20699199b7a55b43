"""Interprets an answer without a task: the task is unknown, the gateway failed, or something else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from transforms.wording import (
    ALL_IS_WELL,
    OK_CODES,
    explanation,
    is_empty,
    opened,
    parsed,
    plain_key,
    well_formed,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The possible meanings, most specific first.
#: `no_such_task`: a known word says that the gateway does not know the id.
#: `get_task_failed`: the gateway's own code for a failed database query.
#: `renamed_task`: there is a task, under another key than `data` or with other field names.
#: `failed`: the envelope says that the request failed; the reason is unknown.
#: `error`: an error object, a code that is not success, or a message.
#: `nothing`: `data` is present and empty, and no other key has information.
MEANINGS: Final = ("no_such_task", "get_task_failed", "renamed_task", "failed", "error", "nothing")

#: One row per answer: `task_path` is the path of a renamed task; `is_refusal` is true if the answer has the form of the
#: gateway's own envelope: with HTTP status 403 it means that the key is refused.
REPLIES: Final = pl.Schema(
    {
        "text": pl.String(),
        "message": pl.String(),
        "meaning": pl.String(),
        "task_path": pl.String(),
        "is_refusal": pl.Boolean(),
    }
)

_NO_SUCH_TASK: Final = (
    "task_not_exist", "task_not_exists", "task_not_found", "task_does_not_exist", "the_task_does_not_exist",
    "task_id_not_found", "task_id_not_exist", "no_such_task", "任务不存在",
)  # fmt: skip
_NO_SUCH_ROW: Final = ("record_not_found",)  # only as a code; as a message it may be about a channel or a user
_GET_TASK_FAILED: Final = "get_task_failed"
_FAILED: Final = ("error", "err", "fail", "failed", "failure")

_CODE_KEYS: Final = ("code", "statuscode", "status", "errcode", "errno", "ret", "retcode")
_MESSAGE_KEYS: Final = ("message", "msg", "statusmsg", "errmsg", "errormessage")
_SUCCESS_KEYS: Final = ("success", "ok", "issuccess")
_ERROR_KEYS: Final = ("error", "errors", "err")
_TRACE_KEYS: Final = ("requestid", "traceid", "logid", "time", "timestamp", "ts", "servertime", "version")
_TASK_STATUS_KEYS: Final = frozenset({"status", "state", "taskstatus", "submittime"})
_WORK_KEYS: Final = frozenset({"webworkstatus", "animateid", "workname", "workvideopath"})

_DEEPEST: Final = 4
_MOST_OBJECTS: Final = 500
_LONGEST_KEY: Final = 60
_MESSAGE_CHARACTERS: Final = 500
_REQUEST_ID: Final = re.compile(r"\s*\(request id:[^)]*\)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """The interpretation of one answer; see `REPLIES`."""

    message: str | None = None
    meaning: str | None = None
    task_path: str | None = None
    is_refusal: bool = False


def interpret_all(texts: pl.Series) -> pl.DataFrame:
    """Interpret JSON documents without a task: one row per distinct text, in the schema `REPLIES`."""
    rows = [(text, *_as_row(interpret(text))) for text in texts.drop_nulls().unique(maintain_order=True)]
    return pl.DataFrame(rows, schema=REPLIES, orient="row")


def _as_row(reply: Reply) -> tuple[str | None, str | None, str | None, bool]:
    return reply.message, reply.meaning, reply.task_path, reply.is_refusal


def interpret(text: str) -> Reply:
    """Interpret one JSON document without a task; an empty reply if it is not an object, too deep or too long."""
    value = parsed(text)
    if not isinstance(value, dict):
        return Reply()
    layers = list(_layers(value))
    message = next(filter(None, [*map(_message, layers), *map(_bad_code, layers)]), None)
    path = _task_path(value)
    return Reply(
        None if message is None else message[:_MESSAGE_CHARACTERS],
        _meaning(value, layers, message, path),
        path,
        _is_refusal(value),
    )


def _layers(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An envelope, and the envelopes in its `data`: gateways behind gateways."""
    layer: Any = value
    for _ in range(_DEEPEST):
        if not isinstance(layer, dict):
            return
        yield layer
        layer = opened(layer.get("data"))


def _meaning(value: dict[str, Any], layers: list[dict[str, Any]], message: str | None, path: str | None) -> str | None:
    codes = [word(layer.get("code")) for layer in layers]
    found = {
        "no_such_task": any(map(_is_no_such_task, layers)),
        "get_task_failed": _GET_TASK_FAILED in codes,
        "renamed_task": path is not None,
        "failed": any(map(_has_failed, layers)),
        "nothing": _has_no_information(value),
        "error": bool(message) or any(code not in {"", *OK_CODES} for code in codes) or any(map(_errors, layers)),
    }
    return next((meaning for meaning, holds in found.items() if holds), None)


def _message(layer: dict[str, Any]) -> str | None:
    """The message of an envelope, or of its error."""
    inside = [*_errors(layer), opened(layer.get("base_resp"))]
    said = [explanation(one) if isinstance(one, dict) else one for one in inside if isinstance(one, dict | str)]
    return next((well_formed(one) for one in [*said, explanation(layer)] if one), None)


def _bad_code(layer: dict[str, Any]) -> str | None:
    """The code of an envelope, unless it means success; used as the message if there is no other."""
    code = layer.get("code")
    return well_formed(code.strip()) if isinstance(code, str) and word(code) not in {"", *OK_CODES} else None


def _errors(layer: dict[str, Any]) -> list[Any]:
    """The error objects or texts of an envelope."""
    found = [opened(value) for key, value in layer.items() if plain_key(key) in _ERROR_KEYS]
    flat = [one for value in found for one in (value[:3] if isinstance(value, list) else [value])]
    return [one for one in flat if not is_empty(one) and one is not False and word(one) not in OK_CODES]


def _is_no_such_task(layer: dict[str, Any]) -> bool:
    objects = [layer, *(one for one in _errors(layer) if isinstance(one, dict))]
    codes = {_as_code(one.get(key)) for one in objects for key in ("code", "type")}
    messages = {_as_code(one.get(key)) for one in objects for key in ("message", "msg", "error")}
    return bool((codes | messages).intersection(_NO_SUCH_TASK) or codes.intersection(_NO_SUCH_ROW))


def _as_code(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A text as a code: 'Task not found. (request id: 7)' becomes task_not_found."""
    return re.sub(r"[\s_-]+", "_", _REQUEST_ID.sub("", word(value)).strip(" .!。！"))


def _has_failed(layer: dict[str, Any]) -> bool:
    """Whether an envelope says that the request failed: `success` false, an error for a `status`, a list of errors."""
    values = {plain_key(key): value for key, value in reversed(layer.items())}
    inner = opened(values.get("baseresp"))
    return (
        any(word(values.get(key)) == "false" for key in _SUCCESS_KEYS)
        or word(values.get("status")) in _FAILED
        or not is_empty(values.get("errors"))
        or ("statuscode" in values and word(values["statuscode"]) not in OK_CODES)
        or (isinstance(inner, dict) and _has_failed(inner))
    )


def _has_no_information(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether `data` is present and empty, here or in an inner envelope, and no other key has information."""
    if not isinstance(value, dict) or "data" not in value:
        return False
    data = opened(value["data"])
    others = ((key, other) for key, other in value.items() if key != "data")
    return (is_empty(data) or _has_no_information(data)) and all(
        _is_silent(plain_key(key), other) for key, other in others
    )


def _is_silent(key: str, value: Any) -> bool:  # noqa: ANN401 - any JSON value
    if is_empty(value) or key in _TRACE_KEYS:
        return True
    if key in _CODE_KEYS:
        return word(value) in OK_CODES
    if key in _MESSAGE_KEYS:
        return word(value) in ALL_IS_WELL
    return (key in _SUCCESS_KEYS and word(value) == "true") or (key in _ERROR_KEYS and word(value) in {"false", "0"})


def _task_path(value: dict[str, Any]) -> str | None:
    """The path of an object with a task's or a work's fields, in any spelling; None if there is none."""
    level: list[tuple[str, Any]] = [("$", value)]
    for _ in range(_DEEPEST):
        found = next((path for path, inside in level if _looks_like_task(inside)), None)
        if found is not None:
            return well_formed(found)
        level = [one for path, inside in level for one in _below(path, inside)][:_MOST_OBJECTS]
    return None


def _below(path: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        yield from ((f"{path}[*]", inside) for inside in value[:1] if isinstance(inside, dict))
    if isinstance(value, dict):
        for key, inside in value.items():
            if plain_key(key) not in _ERROR_KEYS and len(key) <= _LONGEST_KEY:
                content = opened(inside)
                if isinstance(content, dict | list):
                    yield f"{path}.{key}", content


def _looks_like_task(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    if not isinstance(value, dict):
        return False
    keys = {plain_key(key) for key in value}
    return (
        ("taskid" in keys and bool(keys & _TASK_STATUS_KEYS))
        or {"status", "submittime"} <= keys
        or bool(keys & _WORK_KEYS)
    )


def _is_refusal(value: dict[str, Any]) -> bool:
    """Whether this has the form of the gateway's own envelope, as in `gateway.wire.envelope`; see `REPLIES`."""
    error = value.get("error")
    if error:
        return isinstance(error, str) or (isinstance(error, dict) and isinstance(error.get("message"), str))
    message = value.get("message", value.get("msg"))
    return value.get("code") is not None and (isinstance(message, str) or "data" in value)
