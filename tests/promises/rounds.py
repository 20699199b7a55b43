"""The scheduler's loop, in one process for days of the gateway's time, and what the process and its files grow by."""

from __future__ import annotations

import asyncio
import gc
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]
from pydantic import SecretStr

from avatar_tasks import connect
from gateway.clock import Clock
from pipeline import run as runs
from pipeline.collect.collect import CollectRun
from pipeline.collect.request import CollectRequest
from pipeline.settings import Settings
from pipeline.upkeep.maintain import maintain
from tests.promises.siege import KEY
from warehouse.archive.parquet import SCHEMAS

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tests.promises.child import SetUp
    from tests.promises.clocks import SharedClock
    from warehouse.paths import DataPaths

RETAIN_DAYS = 2
GIVE_UP_AFTER = timedelta(hours=12)

#: When in the night `maintain` runs: the day before is over for it an hour after midnight.
MAINTAINED_AT = timedelta(hours=3)


@dataclass(frozen=True)
class Plan:
    """What to do.

    Attributes:
        folder: where.
        base_url: the gateway.
        clock: the gateway's, which this process sets.
        submitted: the gateway's tasks, each (Unix seconds of its submission, id), the oldest first.
        rounds: how many.
        minutes: of the gateway's time between two of them.
        set_up: what a test wants to go wrong.
    """

    folder: Path
    base_url: str
    clock: SharedClock
    submitted: list[tuple[float, str]]
    rounds: int
    minutes: float
    set_up: tuple[SetUp, ...] = ()

    @property
    def paths(self) -> DataPaths:
        return self.settings.paths

    @property
    def settings(self) -> Settings:
        return Settings.model_construct(
            base_url=self.base_url,
            api_key=SecretStr(KEY),
            data_dir=self.folder / "data",
            give_up_after=GIVE_UP_AFTER,
        )

    @property
    def report(self) -> Path:
        return self.folder / "rounds.json"

    def grown(self) -> list[Size]:
        """After each round, what there was."""
        return [Size(**one) for one in json.loads(self.report.read_text(encoding="utf-8"))]


@dataclass(frozen=True)
class Size:
    """What the process and its files come to after a round.

    Attributes:
        memory_mb: what is the process's own of the machine's memory, its share of what it shares included (PSS).
        descriptors: open files and sockets.
        threads: of the system.
        day: of the gateway, from 0; it ends when `maintain` runs.
        ids: accepted so far.
        answers: of the gateway so far.
        files: by kind, once `maintain` was done in this round; else empty.
    """

    memory_mb: float
    descriptors: int
    threads: int
    day: int
    ids: int
    answers: int
    files: dict[str, int] = field(default_factory=dict)


def go_round(plan: Plan) -> None:
    """Do it, and write down what it came to, at least once a day."""
    for set_up in plan.set_up:
        set_up()
    sizes: list[Size] = []
    began, given, answers = plan.clock(), 0, 0
    for number in range(1, plan.rounds + 1):
        plan.clock.set(began + timedelta(minutes=plan.minutes * number))
        new = [task_id for at, task_id in plan.submitted[given:] if at <= plan.clock().timestamp()]
        given += len(new)
        answers += _collect(plan, new)
        day = max(0, (plan.clock() - began - MAINTAINED_AT).days)
        files = _maintain(plan) if sizes and day > sizes[-1].day else {}
        sizes.append(_size(day, given, answers, files))
        if files or number == plan.rounds:
            plan.report.write_text(json.dumps([asdict(one) for one in sizes]), encoding="utf-8")


def _collect(plan: Plan, new: list[str]) -> int:
    """What a run on schedule does; and somebody looks at what is published."""
    run = runs.begin(plan.settings, "collect", clock=Clock(now=plan.clock))
    summary = asyncio.run(CollectRun(run, CollectRequest(new)).collect())
    assert (summary.exit_code, summary.problem) == (0, None)
    with connect(plan.paths.root) as con:
        assert con.execute("select count(*) from runs where run_id = ?", [run.run_id]).fetchall() == [(1,)]
    return summary.fetched


def _maintain(plan: Plan) -> dict[str, int]:
    summary = maintain(runs.begin(plan.settings, "maintain", clock=Clock(now=plan.clock)), RETAIN_DAYS)
    assert summary.problem is None
    return count_files(plan.paths, plan.clock())


def count_files(paths: DataPaths, now: datetime) -> dict[str, int]:
    """The day's segments; most of any kind of another day; days of ids and answers; and everything else."""
    today, old = f"{now:%Y-%m-%d}", Counter[str]()
    found = {"of today": 0, "most of a kind and day": 0, "days": 0, "other": 0}
    for path in paths.root.rglob("*"):
        if not path.is_file():
            continue
        if path.parent.parent.name not in SCHEMAS:
            found["other"] += 1
        elif path.parent.name == today:
            found["of today"] += 1
        else:
            old[f"{path.parent.parent.name}/{path.parent.name}"] += 1
    found["most of a kind and day"] = max(old.values())
    found["days"] = len({name for name in old if not name.startswith("runs/")})
    return found


def _size(day: int, ids: int, answers: int, files: dict[str, int]) -> Size:
    gc.collect()
    own = psutil.Process()
    memory = own.memory_full_info()
    pss = getattr(memory, "pss", memory.uss)
    return Size(pss / 2**20, own.num_fds(), own.num_threads(), day, ids, answers, files)
