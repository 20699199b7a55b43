"""Where a run's answers go after the archive: into the warehouse while it runs, or nowhere for now.

A step that needs data from the warehouse passes a function that reads it. The function is called with a connection to
all known data, or at least to what this run has archived; and called a second time if the warehouse fails later.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from pipeline import load as loading
from pipeline.collect.child_loader import load_in_child
from pipeline.run import write_run
from warehouse.errors import CANNOT_LOAD
from warehouse.load.loader import Loaded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import duckdb

    from pipeline.collect.summary import Summary
    from pipeline.load import RunWriter
    from pipeline.run import Run
    from warehouse.archive.parquet import Segment
    from warehouse.errors import WarehouseError
    from warehouse.plan import PollRequest

T = TypeVar("T")

#: Seconds to wait for the warehouse's lock before polling, multiplied by the number of gateways collected at the same
#: time: a locked warehouse must not delay polling, but runs of other gateways lock it only briefly.
_CATCH_UP_SECONDS: Final = 2.0

#: With `follow`, a new copy is published for readers this often.
_PUBLISH_SECONDS: Final = 60.0


class Destination(Protocol):
    """What the steps of a run need of the warehouse.

    Attributes:
        loaded: what was loaded so far.
        problem: why the run could not load everything at its end; None if it could.
    """

    loaded: Loaded
    problem: WarehouseError | None

    def before_polling(self, wanted: PollRequest, read: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Load what earlier runs left in the archive, then read."""

    def while_polling(self) -> int:
        """Load what the run has archived by now; returns the number of answers."""

    def between_rounds(self, read: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Load what the run has archived by now, then read."""

    def at_the_end(self, summarise: Callable[[duckdb.DuckDBPyConnection], Summary]) -> Summary:
        """Load the rest, and write the summary to the archive."""


def destination_of(run: Run, *, load: bool, sources: int = 1) -> Destination:
    """The destination for a run that loads, or does not; `sources` as in `CollectRequest`."""
    return ArchiveAndWarehouse(run, sources) if load else ArchiveOnly(run)


class ArchiveAndWarehouse:
    """Loads at every step; publishes at the end and, with `follow`, every `_PUBLISH_SECONDS`.

    If the warehouse cannot be written to, the run still polls and archives, with what it knows.
    """

    def __init__(self, run: Run, sources: int = 1) -> None:
        self.loaded = Loaded()
        self.problem: WarehouseError | None = None
        self._run = run
        self._catch_up_seconds = _CATCH_UP_SECONDS * sources
        self._published_at = run.clock.monotonic()

    def before_polling(self, wanted: PollRequest, read: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Load what earlier runs left, then read. Ids given now are read from the archive, and may be loaded later."""
        later = () if wanted.only_due else wanted.given
        try:
            with loading.writer(self._run, min(self._catch_up_seconds, self._run.lock_wait), self.loaded) as writer:
                return self._load_and_read(writer, read, later)
        except CANNOT_LOAD as problem:
            self._run.reporter.warn(f"{problem}. Collecting continues with what was last published")
        with (loading.own_answers if wanted.only_due else loading.last_known)(self._run) as con:
            return read(con)

    def while_polling(self) -> int:
        loaded = load_in_child(self._run)
        self.loaded.add(loaded)
        return loaded.answers

    def between_rounds(self, read: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        try:
            with loading.writer(self._run, self._run.lock_wait, self.loaded) as writer:
                found = self._load_and_read(writer, read)
                self._publish_now_and_then(writer)
                return found
        except CANNOT_LOAD:
            with loading.own_answers(self._run) as con:
                return read(con)

    def at_the_end(self, summarise: Callable[[duckdb.DuckDBPyConnection], Summary]) -> Summary:
        try:
            with loading.writer(self._run, self._run.lock_wait, self.loaded) as writer:
                with writer.open_loaded() as con:
                    summary = summarise(con)
                    loading.load_segments(self._run, con, [write_run(self._run, summary.exit_code, summary.as_dict())])
                writer.publish()
        except CANNOT_LOAD as problem:
            self.problem = problem
            with loading.own_answers(self._run) as con:
                summary = summarise(con)
            write_run(self._run, summary.exit_code, summary.as_dict())
        return summary

    def _load_and_read(
        self, writer: RunWriter, read: Callable[[duckdb.DuckDBPyConnection], T], later: Collection[Segment] = ()
    ) -> T:
        with writer.open_loaded(later=later) as con:
            return read(con)

    def _publish_now_and_then(self, writer: RunWriter) -> None:
        now = self._run.clock.monotonic()
        if now - self._published_at > _PUBLISH_SECONDS:
            writer.publish()
            self._published_at = now


class ArchiveOnly:
    """Loads nothing, for `collect --no-load`: `avatar-tasks load` does it later, on this machine or another."""

    def __init__(self, run: Run) -> None:
        self.loaded = Loaded()
        self.problem: WarehouseError | None = None
        self._run = run

    def before_polling(self, wanted: PollRequest, read: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        with (loading.own_answers if wanted.only_due else loading.last_known)(self._run) as con:
            return read(con)

    def while_polling(self) -> int:
        """Nothing to do."""
        return 0

    def between_rounds(self, read: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        with loading.own_answers(self._run) as con:
            return read(con)

    def at_the_end(self, summarise: Callable[[duckdb.DuckDBPyConnection], Summary]) -> Summary:
        summary = self.between_rounds(summarise)
        waiting = len(loading.own_segments(self._run)) + 1  # plus the segment of the summary
        summary = dataclasses.replace(summary, published=None, segments_waiting=waiting)
        write_run(self._run, summary.exit_code, summary.as_dict())
        return summary
