"""A data directory under attack: commands are killed while they work on it, and it is looked at after each kill."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from simulator import ManualClock, SimulatedGateway, World
from tests.promises import oracle
from tests.promises.child import Command
from tests.promises.clocks import DAY_AFTER_TOMORROW
from transforms.schema import IDENTITY
from warehouse.archive import parquet
from warehouse.archive.local_folder import LocalFolder
from warehouse.archive.segments import Archive
from warehouse.paths import DataPaths
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

    from tests.promises.child import SetUp
    from tests.promises.oracle import Answer
    from warehouse.archive.parquet import Segment

KEY = "test-key-that-opens-nothing"
POLICY = PollingPolicy(min_seconds=0.01)
SLICE_IDS = 12
SPECIAL = ("sim_html", "sim_missing", "sim_truncated", "sim_unknown_field", "sim_in_progress", "sim_work_running")


@dataclass
class Seen:
    """What the archive was seen to hold: nothing of it may ever be gone."""

    store: Archive
    answers: set[Answer] = field(default_factory=set)
    accepted: set[Answer] = field(default_factory=set)
    _by_segment: dict[Segment, frozenset[Answer]] = field(default_factory=dict)

    def look(self) -> None:
        """Read what is new; assert that everything that was ever there still is, wherever it lies now."""
        for kind, ever in (("observations", self.answers), ("requests", self.accepted)):
            present = [self._rows(one) for one in self.store.segments(kind)]  # type: ignore[arg-type]
            now = frozenset().union(*present)
            assert ever <= now, f"{kind} lost: {list(ever - now)[:3]}"
            ever.update(now)

    def _rows(self, segment: Segment) -> frozenset[Answer]:
        if segment not in self._by_segment:
            names = IDENTITY if segment.kind == "observations" else ("source", "task_id")
            self._by_segment[segment] = frozenset(parquet.read(segment).select(names).iter_rows())
        return self._by_segment[segment]


@dataclass
class Siege:
    """One data directory, one gateway, and everything that was done to both."""

    folder: Path
    base_url: str
    world: World
    app: SimulatedGateway
    clock: ManualClock
    rng: Random
    tally: Counter[str] = field(default_factory=Counter)
    given: list[str] = field(default_factory=list)
    calls_when_done: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.paths = DataPaths(self.folder / "data")
        self.seen = Seen(Archive(LocalFolder(self.paths.archive)))
        self._waiting = self.rng.sample(self.world.ids, len(self.world.ids))

    def command(self, name: str, *set_up: SetUp, new_ids: int = SLICE_IDS) -> Command:
        """A command with work to do: a `collect` gets ids of its own."""
        arguments = [name]
        if name == "collect" and new_ids:
            arguments += ["--ids-file", str(self._write_ids(self.next_ids(new_ids)))]
        environment = {"BASE_URL": self.base_url, "API_KEY": KEY, "POLL_MIN": str(POLICY.min_seconds)}
        return Command(
            tuple(arguments),
            self.folder,
            {f"AVATAR_TASKS_{name}": value for name, value in environment.items()},
            (DAY_AFTER_TOMORROW, *set_up) if name == "maintain" else set_up,
        )

    def next_ids(self, count: int) -> list[str]:
        ids = [self._waiting.pop() for _ in range(min(count, len(self._waiting)))]
        self.given += ids
        return [*ids, f"{self.rng.choice(SPECIAL)}_{len(self.given)}"]

    def _write_ids(self, ids: Sequence[str]) -> Path:
        path = self.folder / "ids.txt"
        path.write_text("\n".join(ids), encoding="utf-8")
        return path

    def do(self, name: str, *set_up: SetUp) -> int:
        """Run a command to its end, or to where `set_up` kills it."""
        code = self.command(name, *set_up).run()
        self.note(name, code)
        return code

    def kill_after(self, name: str, seconds: float) -> None:
        """Kill a command this many seconds after it began, if it is still running."""
        process = self.command(name).start()
        time.sleep(seconds)
        process.kill()
        process.join()
        self.note(name, process.exitcode or 0)

    def note(self, name: str, code: int) -> None:
        assert code in (0, -9), f"{name} ended with {code}: {self.command(name, new_ids=0).said()}"
        self.tally[f"{name} killed" if code else f"{name} ended"] += 1
        self.inspect()
        self.clock.advance(self.rng.uniform(0, 5))

    def inspect(self) -> None:
        """What must hold at every moment, even between a kill and the next run."""
        before = frozenset(self.seen.answers)
        self.seen.look()
        if self.paths.published.exists():
            oracle.check_published(self.paths)
            self.tally["published copies opened"] += 1
        else:
            assert not self.tally["published copies opened"], "a published copy is gone"
        self._note_ends({answer[1] for answer in self.seen.answers - before})

    def _note_ends(self, answered: set[str]) -> None:
        mine = answered & set(self.given)
        for row in self.world.truth(self.clock(), mine).tasks:
            if row["is_terminal"]:
                self.calls_when_done.setdefault(row["task_id"], self.app.calls[row["task_id"]])

    def recover(self, *set_up: SetUp) -> None:
        """One run that nobody kills, then everything that must hold."""
        assert self.do("collect", *set_up) == 0
        oracle.check_all(self.paths, POLICY)
        self._check_no_ended_task_was_asked_again()
        self.tally["complete checks"] += 1

    def end(self) -> None:
        """Ask for whatever is left, at a time when every task has ended; compare with what the world knows."""
        self.clock.at = max(self.clock.at, self.world.all_terminal_at())
        everything = self._write_ids(self.given)
        command = self.command("collect", new_ids=0)
        whole = Command((*command.arguments, "--ids-file", str(everything)), self.folder, command.environment)
        assert whole.run() == 0, whole.said()
        oracle.check_all(self.paths, POLICY)
        oracle.check_truth(self.paths, self.world, self.given, self.clock())
        self.seen.look()
        self._check_no_ended_task_was_asked_again()

    def _check_no_ended_task_was_asked_again(self) -> None:
        """What was archived as ended is known to every later run."""
        again = {
            one: self.app.calls[one] for one, calls in self.calls_when_done.items() if self.app.calls[one] != calls
        }
        assert again == {}, f"polled again although their end was archived: {list(again)[:5]}"

    def figures(self) -> str:
        asked, kept = self.app.total_calls, len(self.seen.answers)
        kills = sum(count for name, count in self.tally.items() if name.endswith("killed"))
        return (
            f"{kills} kills {dict(sorted(self.tally.items()))}; {len(self.seen.accepted):,} ids accepted, {asked:,} "
            f"requests, {kept:,} answers kept, {asked - kept} requests whose answer a kill took; 0 lost, 0 twice"
        )


def besieged_world(seed: int, tasks: int, end: datetime) -> World:
    """A week of tasks, a fifth of which are still running when it ends."""
    return World.recent(seed, tasks, now=end, rush=tasks // 5, odd_share=0.5)


def recently() -> datetime:
    """When such a world ends: so long ago that its last tasks have ended by the real clock."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
