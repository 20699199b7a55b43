"""From a run's archive to the warehouse, in steps: open it to write, load what is waiting, publish.

A DuckDB file and a lake are two writers with the same steps; `writer` chooses. Where neither can be had, a run goes on
with what was last published (`last_known`) or with what it archived itself (`own_answers`).
"""

from __future__ import annotations

import tempfile
import time
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from warehouse.database import connection
from warehouse.database.publish import publish_closed
from warehouse.errors import (
    LakeError,
    NothingPublishedError,
    WarehouseDamagedError,
    WarehouseFullError,
    WarehouseHeldError,
    WarehouseUnwritableError,
)
from warehouse.load.loader import Loaded, load_in_steps, unloaded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import duckdb

    from pipeline.run import Run
    from warehouse.archive.segments import Segment
    from warehouse.ducklake.lake import Lake

#: What keeps a run from loading and not from collecting: what it archived is loaded by the next.
CANNOT_LOAD: Final = (
    WarehouseHeldError,
    WarehouseDamagedError,
    WarehouseFullError,
    WarehouseUnwritableError,
    LakeError,
)


class Writer(Protocol):
    """A warehouse that this process may write to."""

    def open(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection with every table and view in place; closed, and all of it on disk, when the block ends."""

    def load_waiting(
        self, con: duckdb.DuckDBPyConnection, *, later: Collection[Segment] = (), of_run: str | None = None
    ) -> Loaded:
        """Load what is archived and not loaded yet, `of_run` only what that run archived.

        What is in `later` may be left to a later load.
        """

    def publish(self) -> None:
        """Give readers what was loaded. No connection may be open."""


def writer(run: Run, wait_seconds: float) -> AbstractContextManager[Writer]:
    """The warehouse of a run, to write to until the block ends.

    Raises:
        WarehouseHeldError: when its lock, or on a lake the turn to load, does not come within `wait_seconds`.
        WarehouseDamagedError: when it cannot be opened.
        LakeError: when the lake cannot be reached.
    """
    return _lake_writer(run, run.paths.lake, wait_seconds) if run.paths.lake else _file_writer(run, wait_seconds)


@contextmanager
def _file_writer(run: Run, wait_seconds: float) -> Iterator[Writer]:
    deadline = time.monotonic() + wait_seconds
    with connection.sole_writer(run.paths.warehouse, wait_seconds):
        yield _FileWriter(run, deadline, wait_seconds)


@contextmanager
def _lake_writer(run: Run, lake: Lake, wait_seconds: float) -> Iterator[Writer]:
    yield _LakeWriter(run, lake, wait_seconds)


@dataclass(frozen=True, slots=True)
class _FileWriter:
    """A DuckDB file, locked. Nobody reads it before it is published."""

    run: Run
    deadline: float
    wait_seconds: float

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with connection.open_file(self.run.paths.warehouse, self.deadline, self.wait_seconds) as con:
            connection.prepare(con)
            yield con

    def load_waiting(
        self, con: duckdb.DuckDBPyConnection, *, later: Collection[Segment] = (), of_run: str | None = None
    ) -> Loaded:
        left = {one.segment_id for one in later}
        now = [one for one in _waiting(self.run, con, of_run) if one.segment_id not in left]
        return load_segments(self.run, con, now, connection.lay_aside)

    def publish(self) -> None:
        publish_closed(self.run.paths)


@dataclass(frozen=True, slots=True)
class _LakeWriter:
    """A lake. It is not locked, as others may load at the same time; its readers see each step at once."""

    run: Run
    lake: Lake
    wait_seconds: float

    def open(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return connection.lake_writer(self.lake, self.wait_seconds)

    def load_waiting(
        self,
        con: duckdb.DuckDBPyConnection,
        *,
        later: Collection[Segment] = (),  # noqa: ARG002 - readers see it at once, so nothing is left for later
        of_run: str | None = None,
    ) -> Loaded:
        """Its own segments first, so that workers that load at once begin at different ends."""
        own_first = sorted(_waiting(self.run, con, of_run), key=lambda one: self.run.run_id not in one.segment_id)
        return load_segments(self.run, con, own_first)

    def publish(self) -> None:
        """Nothing to do."""


def _waiting(run: Run, con: duckdb.DuckDBPyConnection, of_run: str | None) -> list[Segment]:
    return [one for one in unloaded(con, run.store) if of_run is None or of_run in one.segment_id]


def load_segments(
    run: Run,
    con: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    between_steps: Callable[[duckdb.DuckDBPyConnection], None] = lambda _con: None,
) -> Loaded:
    """Load segments by what this run has in force, and say which could not be read."""
    total = Loaded()
    for done in load_in_steps(con, segments, run.analysis, run.settings.policy, between=between_steps):
        total.segments += done.segments
        total.answers += done.answers
        for damaged in done.damaged:
            run.warn_once(damaged.error)
            total.damaged.append(damaged)
    return total


@contextmanager
def last_known(run: Run) -> Iterator[duckdb.DuckDBPyConnection]:
    """What was known when the warehouse was last published, or what is in the lake; nothing where it cannot be read."""
    try:
        with connection.reader(run.paths) as con:
            yield con
            return
    except (NothingPublishedError, LakeError):
        pass
    with connection.scratch() as con:
        yield con


@contextmanager
def own_answers(run: Run, spill_to: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory that holds what this run alone has archived; see `connection.scratch`."""
    with connection.scratch(spill_to) as con:
        load_segments(run, con, own_segments(run))
        yield con


@contextmanager
def own_answers_spilled(run: Run) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same in bounded memory, for runs that never load: the rest is in temporary files of the system."""
    with tempfile.TemporaryDirectory(prefix="avatar-tasks-") as folder, own_answers(run, Path(folder)) as con:
        yield con


def own_segments(run: Run) -> list[Segment]:
    """The ids and answers that this run has archived."""
    return [
        one for kind in ("requests", "observations") for one in run.store.segments(kind) if run.run_id in one.segment_id
    ]
