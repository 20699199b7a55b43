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
    """What a run calls to report: log lines, progress as (done, total) requests, and the run itself once it begins."""

    info: Callable[[str], None] = logger.info
    warn: Callable[[str], None] = logger.warning
    progress: Callable[[int, int], None] = _silent
    begun: Callable[[Run], object] = _silent


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many ids, answers or rows a run handles at once.

    Attributes:
        batch_ids: ids per batch. Hundreds: enough to be worth a segment and a Prefect task, few enough to poll again
            if the batch is lost.
        flush_answers: at most this many answers wait to be written to the archive.
        load_answers: answers are loaded after this many, while at least half as many are still to come: starting a
            process costs the CPU of some thousand requests. With 10,000, a run of 60,000 ids took 1.15 times the CPU of
            version 06152f1 (benchmarks/LOG.md). An eighth of it the first time, a tenth if this process
            mostly waits, see `pipeline.collect.beside`.
        step_rows: archived rows loaded in one transaction; by default what the memory suffices for.
    """

    batch_ids: int = 500
    flush_answers: int = 500
    load_answers: int = 25_000
    step_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that the steps of one run share.

    Attributes:
        settings: the settings in force.
        command: the command that was typed: collect, demo, …
        run_id: twelve hex digits, in every row the run writes.
        started_at: UTC.
        store: the archive.
        analysis: the contents of analysis.toml: objectives, rules for failures, and prices.
        policy: when pending ids of each source are polled again.
        segment_ids: names for the run's segments.
        clock: the time for this run; a demo's clock runs faster.
        reporter: what it calls to report.
        began: `clock.monotonic` when it began, to compute its duration.
        warned: the lines that `warn_once` has reported.
        deadline: `clock.monotonic` after which it polls no more and hardly waits.
        permission: called before each request, if the rate is shared with other processes.
        memory: the bytes of answers between the gateway and the archive.
        sizes: how many ids, answers or rows it handles at once; small in tests.
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
        """Warn, unless this run has already warned with the same line."""
        if line not in self.warned:
            self.warned.add(line)
            self.reporter.warn(line)

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; infinite if there is none."""
        return max(self.deadline - self.clock.monotonic(), 0.0)

    @property
    def lock_wait(self) -> float:
        """How long to wait for the warehouse's lock now, in seconds: LOCK_WAIT, but hardly beyond the deadline."""
        return min(self.settings.lock_wait, max(self.seconds_left, GRACE_SECONDS))

    @property
    def paths(self) -> DataPaths:
        return self.settings.paths

    @property
    def warehouse(self) -> Warehouse:
        return warehouse_of(self.paths)

    @property
    def published(self) -> str | None:
        """The file that a load publishes; None if readers open the warehouse itself."""
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
    """A new run, as the owner of the data folder; files that it creates are for that user only.

    Args:
        settings: the settings in force.
        command: the command that was typed.
        clock: the time for this run.
        reporter: what it calls to report.
        run_id: must be unique; a new one if not given.
        sizes: how many ids, answers or rows it handles at once; the defaults if not given.

    Raises:
        AnalysisFileError: when analysis.toml cannot be used.
        UnusableInputError: when another user owns the data folder, or sources.toml cannot be used.
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
    """The defaults; if memory is short, nothing is loaded while requests run, but everything at the end, in steps."""
    return Sizes() if settings.budget.has_room_for_two else Sizes(load_answers=sys.maxsize)


def _segment_id(started_at: datetime, run_id: str, number: int) -> str:
    """Unique, and sorted by the start of the run. Threads may share `map` over `count`, but not a generator."""
    return f"{started_at:%Y%m%dT%H%M%S}-{run_id}-{number:06d}"


def write_run(run: Run, exit_code: int, summary: dict[str, Any]) -> Segment:
    """Write to the archive that a run has ended, and how; returns the segment to load.

    Raises:
        ArchiveError: when it cannot be written.
    """
    words = (
        json.dumps(summary, ensure_ascii=False).encode("utf-8", "replace").decode()
    )  # a file name may not be valid text
    row = (run.run_id, run.settings.source, run.command, run.started_at, run.clock.now(), int(exit_code), words)
    rows = pl.DataFrame([row], schema=RUNS, orient="row")
    return run.store.write("runs", rows, segment_id=next(run.segment_ids), at=run.started_at)
