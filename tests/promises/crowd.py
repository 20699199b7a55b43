"""Many at once on one data directory: commands that begin again as they end, and readers who come and go."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Self

import duckdb

from avatar_tasks import connect
from tests.forked import start
from tests.promises import oracle
from tests.promises.child import Command
from tests.warehouse.tables import column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from tests.promises.siege import Siege

#: How a command may end: done, or told that somebody holds the warehouse.
ALLOWED = (0, 4)

#: How much of the ids that one `collect` gets the one before it got, too.
OVERLAP = 2 / 3

_PATIENCE_SECONDS = 120
_PAUSE_SECONDS = 0.02


@dataclass
class Actor:
    """Somebody who gives a command again and again."""

    name: str
    next_command: Callable[[], Command]
    process: BaseProcess

    def begin_again(self) -> None:
        self.process = self.next_command().start()


@dataclass
class Crowd:
    """All processes that use a siege's data directory.

    Attributes:
        siege: whose.
        hours_per_second: how fast the gateway's clock goes on meanwhile.
        ids_each: ids that a `collect` gets; most of them another one has got, too, and may be asking for.
    """

    siege: Siege
    hours_per_second: float
    ids_each: int = 18
    ended: Counter[str] = field(default_factory=Counter)
    _actors: list[Actor] = field(default_factory=list)
    _given: list[str] = field(default_factory=list)
    _began: float = 0.0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        for actor in self._actors:
            if actor.process.is_alive():
                actor.process.kill()
            actor.process.join()

    def add(self, name: str, command: str, lock_wait: float = 60) -> None:
        """One more who gives `command`, from now on, and waits so many seconds for others."""

        def next_command() -> Command:
            environment = self.siege.command(command, new_ids=0).environment
            ids = ["--ids-file", str(self._some_ids(name))] if command == "collect" else []
            waiting = {"AVATAR_TASKS_LOCK_WAIT": str(lock_wait)}
            return Command((command, *ids), self.siege.folder, environment | waiting)

        self._actors.append(Actor(name, next_command, next_command().start()))

    def go_on(self, seconds: float) -> None:
        """Let all of them work for this long, and then end what they are at."""
        deadline, busy = time.monotonic() + seconds, list(self._actors)
        while busy:
            now = time.monotonic()
            assert now < deadline + _PATIENCE_SECONDS, f"not ended: {[actor.name for actor in busy]}"
            ended = wait([actor.process.sentinel for actor in busy], timeout=_PAUSE_SECONDS)
            for actor in [one for one in busy if one.process.sentinel in ended]:
                self._note(actor)
                if now < deadline:
                    actor.begin_again()
                else:
                    busy.remove(actor)
            self._let_time_pass(now)

    def _note(self, actor: Actor) -> None:
        actor.process.join()
        code = actor.process.exitcode
        assert code in ALLOWED, f"{actor.name} ended with {code}: {self.siege.command('status').said()}"
        self.ended[f"{actor.name}, held" if code else actor.name] += 1

    def _let_time_pass(self, now: float) -> None:
        passed, self._began = now - self._began, now
        self.siege.clock.advance(passed * self.hours_per_second * 3600)

    def _some_ids(self, name: str) -> Path:
        """Some that others have got already, and some that are new."""
        ids = self.siege.next_ids(int(self.ids_each * (1 - OVERLAP)))
        self._given += ids
        path = self.siege.folder / f"{name}.txt"
        path.write_text("\n".join(self._given[-self.ids_each :]), encoding="utf-8")
        return path


@dataclass(frozen=True)
class Reader:
    """Somebody who opens the published copy again and again, by our front door and as any DuckDB does."""

    siege: Siege
    number: int

    @property
    def _stop(self) -> Path:
        return self.siege.folder / "readers-stop"

    @property
    def _report(self) -> Path:
        return self.siege.folder / f"reader-{self.number}.json"

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """While the block lasts."""
        process = start(read_on, self.siege.paths.root, self._stop, self._report)
        try:
            while process.is_alive() and not self._report.exists():
                time.sleep(_PAUSE_SECONDS)
            yield
        finally:
            self._stop.touch()
            process.join(_PATIENCE_SECONDS)

    def seen(self) -> Seen:
        return Seen(**json.loads(self._report.read_text(encoding="utf-8")))


@dataclass
class Seen:
    """What a reader has seen.

    Attributes:
        reads: how often the copy was opened and looked at.
        copies: how many different ones.
        refused: what it was told instead of an answer.
        wrong: what was there only in part, or was there before and no more.
    """

    reads: int = 0
    copies: int = 0
    refused: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def read_on(data: Path, stop: Path, report: Path) -> None:
    """Read until `stop` is there, and once more; then write down what was seen."""
    seen, known, is_last = Seen(), frozenset[str](), False
    openers = (
        lambda: connect(data),
        lambda: duckdb.connect(data / "published" / "current.duckdb", read_only=True),
    )
    while not is_last:
        is_last, began = stop.exists(), time.monotonic()
        try:
            with contextlib.closing(openers[seen.reads % 2]()) as con:
                ledger = frozenset[str](column(con, "select segment_id from segments"))
                oracle.check_whole(con)
                assert known <= ledger, f"gone again: {sorted(known - ledger)[:3]}"
                seen.copies += ledger != known
                known = ledger
        except AssertionError as error:
            seen.wrong.append(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            seen.refused.append(repr(error))
        seen.reads += 1
        report.write_text(json.dumps(vars(seen)), encoding="utf-8")
        time.sleep(min(1, 2 * (time.monotonic() - began)))  # others have something to do, too
