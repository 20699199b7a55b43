"""What the tables must hold, worked out slowly from sets of answers and requests, in plain Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from warehouse.archive import body_hash

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tests.warehouse.answers import Answer, Request

Row = dict[str, Any]
Key = tuple[str, str]


def tasks(answers: set[Answer], requests: set[Request]) -> dict[Key, Row]:
    found = {key: _task(seen, key, requests) for key in _keys(answers) if (seen := _about(answers, key, "task"))}
    return {key: row | {"first_asked_at": _first_asked(answers, key)} for key, row in found.items()}


def _task(seen: list[Answer], key: Key, requests: set[Request]) -> Row:
    winner = max(seen, key=lambda answer: answer.precedence)
    return {
        "status": winner.kind.status,
        "is_terminal": winner.kind.is_terminal,
        "segment_id": winner.segment_id,
        "observed_at": winner.observed_at,
        "body_hash": body_hash(winner.kind.body),
        "run_id": winner.run_id,
        "requested_at": _least(request.requested_at for request in requests if request.key == key),
        "first_observed_at": min(answer.observed_at for answer in seen),
        "last_observed_at": max(answer.observed_at for answer in seen),
        "observation_count": len(seen),
        "last_running_at": _greatest(answer.observed_at for answer in seen if not answer.kind.is_terminal),
        "first_terminal_at": _least(answer.observed_at for answer in seen if answer.kind.is_terminal),
    }


def works(answers: set[Answer]) -> dict[Key, Row]:
    """The winning payloads; `pt_infos` is the number of its elements."""
    found: dict[Key, Row] = {}
    for answer in sorted(answers, key=lambda answer: answer.precedence):
        if answer.kind.work is not None:
            found[answer.key] = {
                "work_name": answer.kind.work,
                "run_id": answer.run_id,
                "observed_at": answer.observed_at,
                "pt_infos": answer.kind.pt_infos,
            }
    return found


def pending(answers: set[Answer], requests: set[Request]) -> dict[Key, Row]:
    ended = {answer.key for answer in answers if answer.kind.is_terminal}
    return {key: _pending(answers, requests, key) for key in _keys(answers) | _keys(requests) if key not in ended}


def _pending(answers: set[Answer], requests: set[Request], key: Key) -> Row:
    asked = _about(answers, key)
    last = max(asked, key=lambda answer: (answer.observed_at, answer.kind.outcome), default=None)
    winner = max(_about(answers, key, "task"), key=lambda answer: answer.precedence, default=None)
    return {
        "requested_at": _least(request.requested_at for request in requests if request.key == key),
        "status": winner.kind.status if winner else None,
        "first_asked_at": _first_asked(answers, key),
        "last_asked_at": last.observed_at if last else None,
        "asked_count": len(asked),
        "missing_count": sum(answer.kind.outcome == "missing" for answer in asked),
        "last_outcome": last.kind.outcome if last else None,
    }


def _keys(rows: Iterable[Answer | Request]) -> set[Key]:
    return {row.key for row in rows}


def _about(answers: set[Answer], key: Key, outcome: str | None = None) -> list[Answer]:
    return [answer for answer in answers if answer.key == key and outcome in (None, answer.kind.outcome)]


def _first_asked(answers: set[Answer], key: Key) -> datetime | None:
    return _least(answer.observed_at for answer in _about(answers, key))


def _least(times: Iterable[datetime]) -> datetime | None:
    return min(times, default=None)


def _greatest(times: Iterable[datetime]) -> datetime | None:
    return max(times, default=None)
