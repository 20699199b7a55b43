"""Callbacks, which gateways post when a task has changed. Each is only a hint: the next run polls the task.

So a forged callback can do no harm: only its id is used, and only if it is known. The id is written to a file in the
inbox, and the callback is acknowledged when that file is on disk. Callbacks that come at about the same time share a
file.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from gateway.ids import looks_like_key, why_invalid
from pipeline.serving.known import known_ids
from warehouse.archive.atomic import atomic_write
from warehouse.ducklake.lake import without_password

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from warehouse.paths import DataPaths

logger = logging.getLogger("avatar_tasks")

Outcome = Literal["accepted", "unknown", "unreadable", "too_large", "too_many", "failed"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("accepted", "unknown", "unreadable", "too_large", "too_many", "failed")

#: A callback contains at most what `/avatar/task/{id}` answers.
MAX_BYTES: Final = 1_048_576

#: Maximum callbacks per second, and how many may come at once.
PER_SECOND: Final = 100.0
BURST: Final = 1_000

#: Callbacks that come within this time after the first share a file, a query of the warehouse and an fsync.
_TOGETHER_SECONDS: Final = 0.05

#: Keys in which gateways wrap a task, and how many levels are searched.
_WRAPPERS: Final = ("data", "task", "result")
_DEEPEST: Final = 4


@dataclass(slots=True)
class Callbacks:
    """Takes the bodies of callbacks, and writes their ids to files in the inbox.

    Attributes:
        paths: the data folder, whose warehouse and archive have the known ids.
        source: the source that the ids belong to.
        inbox: the folder whose files the next run takes.
        accepts_new: whether ids that were never accepted are also taken.
        clock: monotonic seconds, to limit callbacks per second.
        outcomes: number of callbacks by outcome.
    """

    paths: DataPaths
    source: str
    inbox: Path
    accepts_new: bool = False
    clock: Callable[[], float] = time.monotonic
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    _room: float = float(BURST)
    _paced_at: float | None = None
    _waiting: list[tuple[str, asyncio.Future[Outcome]]] = field(default_factory=list)
    _writing: asyncio.Task[None] | None = None

    async def take(self, body: bytes) -> Outcome:
        """Handle one callback; the outcome `accepted` means that its id is on disk."""
        outcome = await self._take(body)
        self.outcomes[outcome] += 1
        return outcome

    def refuse(self, outcome: Outcome) -> Outcome:
        """Count a callback that is refused before its body is parsed."""
        self.outcomes[outcome] += 1
        return outcome

    async def _take(self, body: bytes) -> Outcome:
        if not self._has_room():
            return "too_many"
        if (task_id := task_id_of(body)) is None:
            return "unreadable"
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((task_id, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_soon())
        return await done

    def _has_room(self) -> bool:
        now = self.clock()
        gained = 0.0 if self._paced_at is None else (now - self._paced_at) * PER_SECOND
        self._room, self._paced_at = min(float(BURST), self._room + gained), now
        if self._room < 1:
            return False
        self._room -= 1
        return True

    async def _write_soon(self) -> None:
        try:
            await asyncio.sleep(_TOGETHER_SECONDS)
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                ids = sorted({task_id for task_id, _ in waiting})
                outcomes = await asyncio.to_thread(self._write, ids)
                for task_id, done in waiting:
                    if not done.done():  # it is done if the client has disconnected
                        done.set_result(outcomes[task_id])
        finally:
            self._writing = None

    def _write(self, ids: Sequence[str]) -> dict[str, Outcome]:
        """Write the ids to poll to a file in the inbox; returns the outcome for each id."""
        try:
            known = set(ids) if self.accepts_new else known_ids(self.paths, self.source, ids)
            if known:
                name = f"callbacks-{time.time_ns()}-{uuid.uuid4().hex[:8]}.txt"
                with atomic_write(self.inbox / name) as file:
                    file.write("".join(f"{task_id}\n" for task_id in sorted(known)).encode())
        except Exception as error:  # noqa: BLE001 - e.g. the lake's server has ended: those who wait get an answer
            why = without_password(f"{type(error).__name__}: {error}".partition("\n")[0])
            logger.warning("callbacks about %d ids were not stored (%s)", len(ids), why)
            return dict.fromkeys(ids, "failed")
        return {task_id: "accepted" if task_id in known else "unknown" for task_id in ids}


def task_id_of(body: bytes) -> str | None:
    """The id of the task that a callback is about; None if there is none.

    The body may be an answer as from `/avatar/task/{id}`, a task alone, or a video object as in OpenAI's API. The
    outermost id counts: inside it may be another, of a gateway behind this one.
    """
    with contextlib.suppress(ValueError, RecursionError):
        return _id_in(json.loads(body), _DEEPEST)
    return None


def _id_in(value: Any, levels: int) -> str | None:  # noqa: ANN401 - any JSON value
    if not isinstance(value, dict) or not levels:
        return None
    found = value.get("task_id")
    if found is None and value.get("object") == "video":
        found = value.get("id")
    if isinstance(found, str):
        return found if why_invalid(found) is None and not looks_like_key(found) else None
    return next(filter(None, (_id_in(value.get(name), levels - 1) for name in _WRAPPERS)), None)
