"""What the tables must hold, worked out slowly from sets of answers and requests, in plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from transforms.schema import body_hash

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tests.warehouse.answers import Answer, Request

Row = dict[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True)
class Seen:
    """What is known of one task: its answers that hold a task, and which of them are about another."""

    own: list[Answer]
    other: list[Answer]
    is_other_proven: bool
    mixed_up_work: str | None

    @property
    def everything(self) -> list[Answer]:
        return self.own + self.other

    @property
    def winner(self) -> Answer:
        """The best that is not proven to be about another task, else the best there is."""
        return max(self.everything, key=lambda one: (not self._is_proven(one), one.kind.is_terminal, *_rank(one)))

    @property
    def is_conflict(self) -> bool:
        return self._is_proven(self.winner) or (not self.winner_is_other and self.mixed_up_work is not None)

    @property
    def winner_is_other(self) -> bool:
        return self.winner in self.other

    @property
    def sound(self) -> list[Answer]:
        return [one for one in self.everything if not self._is_mixed_up(one)]

    def _is_proven(self, answer: Answer) -> bool:
        return answer in self.other and self.is_other_proven

    def _is_mixed_up(self, answer: Answer) -> bool:
        work = work_id(answer)
        is_of_work = answer in self.own and work is not None and work == self.mixed_up_work
        return self._is_proven(answer) or is_of_work


def _rank(answer: Answer) -> tuple[object, ...]:
    return answered_id(answer) is None, answer.precedence


def plain(named: str) -> str:
    return named.strip().lower().removeprefix("task_")


def answered_id(answer: Answer) -> str | None:
    return _other(answer, answer.kind.named)


def work_id(answer: Answer) -> str | None:
    return _other(answer, answer.kind.work_named)


def _other(answer: Answer, named: str | None) -> str | None:
    return None if named is None or plain(named) == plain(answer.task_id) else plain(named)


def seen_of(answers: set[Answer], requests: set[Request], *, accept: bool = False) -> dict[Key, Seen]:
    """Every task that was seen."""
    known = {(source, plain(task_id)) for source, task_id in _keys(answers) | _keys(requests)}
    found = {}
    for key in _keys(answers):
        about = _about(answers, key, "task")
        own = [one for one in about if answered_id(one) is None]
        other = [one for one in about if answered_id(one) is not None]
        named = {name for one in other for name in (answered_id(one), work_id(one)) if name}
        is_other_proven = any((key[0], name) in known or _came_for_others(answers, key, name) for name in named)
        work = work_id(max(own, key=lambda one: one.precedence)) if own else None
        is_work_proven = work and ((key[0], work) in known or _came_for_others(answers, key, work, own_only=True))
        if about:
            found[key] = Seen(
                own, other, is_other_proven and not accept, work if is_work_proven and not accept else None
            )
    return found


def _came_for_others(answers: set[Answer], key: Key, name: str, *, own_only: bool = False) -> bool:
    return any(
        name in (answered_id(one), work_id(one))
        for one in answers
        if one.source == key[0] and plain(one.task_id) != plain(key[1]) and one.kind.outcome == "task"
        if not own_only or answered_id(one) is None
    )


def tasks(answers: set[Answer], requests: set[Request], *, accept: bool = False) -> dict[Key, Row]:
    seen = seen_of(answers, requests, accept=accept)
    return {
        key: _task(one, key, requests) | {"first_asked_at": _first_asked(answers, key)} for key, one in seen.items()
    }


def _task(seen: Seen, key: Key, requests: set[Request]) -> Row:
    winner, looks = seen.winner, seen.sound or seen.everything
    return {
        "status": "UNKNOWN" if seen.is_conflict else winner.kind.status,
        "is_terminal": winner.kind.is_terminal and not seen.is_conflict,
        "identity_conflict": seen.is_conflict,
        "gateway_version": "v1",
        "segment_id": winner.segment_id,
        "observed_at": winner.observed_at,
        "body_hash": body_hash(winner.kind.body),
        "run_id": winner.run_id,
        "requested_at": _least(request.requested_at for request in requests if request.key == key),
        "first_observed_at": min(answer.observed_at for answer in looks),
        "last_observed_at": max(answer.observed_at for answer in looks),
        "observation_count": len(looks),
        "last_running_at": _greatest(answer.observed_at for answer in seen.sound if not answer.kind.is_terminal),
        "first_terminal_at": _least(answer.observed_at for answer in seen.sound if answer.kind.is_terminal),
    }


def works(answers: set[Answer]) -> dict[Key, Row]:
    """The winning payloads; `pt_infos` is the number of its elements."""
    found: dict[Key, Row] = {}
    for answer in sorted(answers, key=_rank):
        if answer.kind.work is not None:
            found[answer.key] = {
                "work_name": answer.kind.work,
                "run_id": answer.run_id,
                "observed_at": answer.observed_at,
                "pt_infos": answer.kind.pt_infos,
            }
    return found


def pending(answers: set[Answer], requests: set[Request], *, accept: bool = False) -> dict[Key, Row]:
    known = tasks(answers, requests, accept=accept)
    ended = {key for key, row in known.items() if row["is_terminal"]}
    open_keys = (_keys(answers) | _keys(requests)) - ended
    return {key: _pending(answers, requests, key, known.get(key)) for key in open_keys}


def _pending(answers: set[Answer], requests: set[Request], key: Key, task: Row | None) -> Row:
    asked = _about(answers, key)
    last = max(asked, key=lambda answer: (answer.observed_at, answer.kind.outcome), default=None)
    return {
        "requested_at": _least(request.requested_at for request in requests if request.key == key),
        "status": task["status"] if task else None,
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


# TODO
