"""Whether a bulk answer (about many ids) says the same about a task as the single answer (about that task alone)."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Final, Literal

#: `unclear`: neither is proven, e.g. because the task changed between two requests.
Verdict = Literal["same", "other", "unclear"]

_OK: Final = 200

#: The HTTP status for an id that the gateway does not know (`task_not_exist`).
_UNKNOWN_ID: Final = frozenset({400, 404})


def single_task(http_status: int | None, body: bytes | None) -> dict[str, Any] | None:
    """The task in a single answer; empty if the gateway does not know the id, None if the answer shows neither."""
    if http_status in _UNKNOWN_ID:
        return {}
    said = _object(body) if http_status == _OK else None
    if said is None:
        return None
    task = said.get("data")
    return task if isinstance(task, dict) else {}


def bulk_task(raw: bytes) -> dict[str, Any]:
    """The task in an item of a bulk answer."""
    return _object(raw) or {}


def compare(single: dict[str, Any] | None, before: dict[str, Any], after: dict[str, Any] | None = None) -> Verdict:
    """Compare the single answer with the bulk answer before it and, if they differ, with a bulk answer after it.

    A running task may change between two answers of either endpoint. But if both bulk answers are equal and the single
    one between them differs, the endpoints disagree.
    """
    if single is None:
        return "unclear"
    if _has_all(before, single) or (after is not None and _has_all(after, single)):
        return "same"
    return "other" if before == after else "unclear"


def _has_all(item: dict[str, Any], task: dict[str, Any]) -> bool:
    """Whether an item has every field of the task, with the same value. It may have more: it is a database row."""
    return bool(task) and all(name in item and _plain(item[name]) == _plain(value) for name, value in task.items())


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A value without the part that changes with every answer: the query of a URL, with its signature."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.partition("?")[0] if isinstance(value, str) and "://" in value else value


def _object(body: bytes | None) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(body or b"")
        return value if isinstance(value, dict) else None
    return None
