"""Whether an answer about many ids says the same of a task as the answer about that task alone."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Final, Literal

#: `unclear`: neither is proven, e.g. because the task moved on between two requests.
Verdict = Literal["same", "other", "unclear"]

_OK: Final = 200

#: A gateway says so of an id that it does not know (`task_not_exist`).
_UNKNOWN_ID: Final = frozenset({400, 404})


def single_task(http_status: int | None, body: bytes | None) -> dict[str, Any] | None:
    """The task in an answer about one id; empty where the gateway knows none, None where that cannot be told."""
    if http_status in _UNKNOWN_ID:
        return {}
    said = _object(body) if http_status == _OK else None
    if said is None:
        return None
    task = said.get("data")
    return task if isinstance(task, dict) else {}


def bulk_task(raw: bytes) -> dict[str, Any]:
    """The task in an item of an answer about many."""
    return _object(raw) or {}


def compare(single: dict[str, Any] | None, before: dict[str, Any], after: dict[str, Any] | None = None) -> Verdict:
    """Compare the single answer with that of a request for many before it and, where they differ, of one after it.

    A task that moves on differs from one answer to the next, on either endpoint; one that stays as it was in both
    answers about many, and is otherwise in the single one between them, is given otherwise.
    """
    if single is None:
        return "unclear"
    if _has_all(before, single) or (after is not None and _has_all(after, single)):
        return "same"
    return "other" if before == after else "unclear"


def _has_all(item: dict[str, Any], task: dict[str, Any]) -> bool:
    """Whether an item has every field of the task, with the same value; it may have more, as a database row has."""
    return bool(task) and all(name in item and _plain(item[name]) == _plain(value) for name, value in task.items())


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A value without what is new in every answer: the signature of a URL."""
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
