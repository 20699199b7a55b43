"""One run: its name, where its answers go, and where it reports to."""

from __future__ import annotations

import itertools
import json
import logging
import math
import sys
import uuid
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from gateway.clock import SYSTEM_CLOCK, Clock
from gateway.wire.memory import Memory
from pipeline.folder_owner import enter_folder
from pipeline.sources.choose import policy_of
from transforms.schema import RUNS
from warehouse.analysis import Analysis, read_analysis
from warehouse.archive.segments import Archive
from warehouse.backends.choose import warehouse_of
from warehouse.load.steps import STEP_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from gateway.pace.gate import Permission
    from pipeline.settings import Settings
    from warehouse.archive.parquet import Segment
    from warehouse.backends.interface import Warehouse
    from warehouse.paths import DataPaths
    from warehouse.policy import PollingPolicy

logger = logging.getLogger("avatar_tasks")

#: How long after the deadline, in seconds, a run waits for requests in flight and for the warehouse's lock.
GRACE_SECONDS: Final = 5.0


def _silent(*_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Reporter:
    """Where a run reports to: log lines, progress as (done, total) in requests, and itself once it has begun."""

    info: Callable[[str], None] = logger.info
    warn: Callable[[str], None] = logger.warning
    progress: Callable[[int, int], None] = _silent
    begun: Callable[[Run], object] = _silent


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of how many a run does something at once.

    Attributes:
        batch_ids: ids per batch. Hundreds: enough that a segment and a Prefect task are worth it, few enough to lose
            and poll again.
        flush_answers: answers are written to the archive after so many, if not before.
        load_answers: answers are loaded after so many, while half as many are to come: starting a process costs the CPU
            of some thousand requests. With 10,000, a run of 60,000 ids took 1.15 times the CPU of version 06152f1
            (benchmarks/LOG.md). A tenth of it where this process mostly waits, see `pipeline.collect.beside`.
        step_rows: archived rows loaded in one transaction.
    """

    batch_ids: int = 500
    flush_answers: int = 500
    load_answers: int = 25_000
    step_rows: int = STEP_ROWS


@dataclass(frozen=True, slots=True)
class Run:
    """Everything the steps of one run share.

    Attributes:
        settings: what is in force.
        command: what was typed: collect, demo, …
        run_id: twelve hex digits, in every row the run writes.
        started_at: UTC.
        store: the archive.
        analysis: what people decided.
        policy: when pending ids are polled again, of each source.
        segment_ids: names for the run's segments.
        clock: what time it is for this run; a demo's runs faster.
        reporter: where it reports to.
        began: `clock.monotonic` when it began, for its duration.
        warned: what `warn_once` has warned of.
        deadline: `clock.monotonic` from which on it polls no more and waits for little.
        permission: called before each request, where the rate is shared with other processes.
        memory: what answers take up between the gateway and the archive.
        sizes: of how many it does something at once; tests make them small.
    """

    settings: Settings
    command: str
    run_id: str
    started_at: datetime
    store: Archive
    analysis: Analysis
    policy: PollingPolicy
    segment_ids: Iterator[str]
    clock: Clock = SYSTEM_CLOCK
    reporter: Reporter = field(default_factory=Reporter)
    began: float = 0.0
    deadline: float = math.inf
    permission: Permission | None = None
    warned: set[str] = field(default_factory=set)
    memory: Memory = field(default_factory=Memory)
    sizes: Sizes = field(default_factory=Sizes)

    def warn_once(self, line: str) -> None:
        """A warning that every round of the run would repeat."""
        if line not in self.warned:
            self.warned.add(line)
            self.reporter.warn(line)

    @property
    def seconds_left(self) -> float:
        """Until the deadline; infinite where there is none."""
        return max(self.deadline - self.clock.monotonic(), 0.0)

    @property
    def lock_wait(self) -> float:
        """How long the warehouse may be waited for now, in seconds: as set, but hardly longer than the deadline."""
        return min(self.settings.lock_wait, max(self.seconds_left, GRACE_SECONDS))

    @property
    def paths(self) -> DataPaths:
        return self.settings.paths

    @property
    def warehouse(self) -> Warehouse:
        return warehouse_of(self.paths)

    @property
    def published(self) -> str | None:
        """The file that a load publishes; None where readers see the warehouse itself."""
        path = self.warehouse.published
        return None if path is None else str(path)


def begin(
    settings: Settings,
    command: str,
    *,
    clock: Clock = SYSTEM_CLOCK,
    reporter: Reporter | None = None,
    run_id: str | None = None,
    sizes: Sizes | None = None,
) -> Run:
    """A new run, as the owner of the data folder; what it creates is for that user only.

    Args:
        settings: what is in force.
        command: what was typed.
        clock: what time it is for this run.
        reporter: where it reports to.
        run_id: if given, one that no other run has.
        sizes: of how many it does something at once; the usual ones if not given.

    Raises:
        AnalysisFileError: when analysis.toml cannot be used.
        UnusableInputError: when the data folder is another user's, or sources.toml cannot be used.
    """
    enter_folder(settings)
    started_at, run_id = clock.now(), run_id or uuid.uuid4().hex[:12]
    run = Run(
        settings=settings,
        command=command,
        run_id=run_id,
        started_at=started_at,
        store=Archive(settings.paths.storage),
        analysis=read_analysis(settings.paths.analysis),
        policy=policy_of(settings),
        segment_ids=map(partial(_segment_id, started_at, run_id), itertools.count()),
        clock=clock,
        reporter=reporter or Reporter(),
        began=clock.monotonic(),
        sizes=sizes or _sizes(settings),
    )
    run.reporter.begun(run)
    return run


def _sizes(settings: Settings) -> Sizes:
    """The usual ones; where memory is short, nothing is loaded beside the requests, but all at the end, in steps."""
    return Sizes() if settings.budget.has_room_for_two else Sizes(load_answers=sys.maxsize)


def _segment_id(started_at: datetime, run_id: str, number: int) -> str:
    """Unique as the run is, and sorting by its start. Threads may share `map` over `count`, but no generator."""
    return f"{started_at:%Y%m%dT%H%M%S}-{run_id}-{number:06d}"


def write_run(run: Run, exit_code: int, summary: dict[str, Any]) -> Segment:
    """Write down in the archive that a run has ended, and how; returns the segment to load.

    Raises:
        ArchiveError: when it cannot be written.
    """
    words = (
        json.dumps(summary, ensure_ascii=False).encode("utf-8", "replace").decode()
    )  # a name of a file may be no text
    row = (run.run_id, run.settings.source, run.command, run.started_at, run.clock.now(), int(exit_code), words)
    rows = pl.DataFrame([row], schema=RUNS, orient="row")
    return run.store.write("runs", rows, segment_id=next(run.segment_ids), at=run.started_at)
