"""Derive a warehouse from its archive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from warehouse.database.session import temporary_folder
from warehouse.database.writer import spill
from warehouse.load.budget import Budget
from warehouse.load.large import load_prepared
from warehouse.load.loader import Loaded, unloaded
from warehouse.load.prepared import prepare_steps
from warehouse.load.steps import steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from contextlib import AbstractContextManager

    import duckdb

    from warehouse.analysis import Analysis
    from warehouse.archive.parquet import Segment
    from warehouse.archive.segments import Archive
    from warehouse.load.prepared import Prepared
    from warehouse.paths import DataPaths
    from warehouse.policy import PollingPolicy


@dataclass(frozen=True, slots=True)
class Derivation:
    """The parameters to derive a warehouse from its archive, and the methods to do so.

    Attributes:
        paths: the data directory.
        store: the archive in it, perhaps without days that are to be ignored.
        analysis: the contents of analysis.toml.
        policy: when pending ids are polled again.
        wait_seconds: how long to wait for the live warehouse's lock.
        on_progress: called with the number of segments done, and of all segments.
        budget: the processes and memory that it may use.
    """

    paths: DataPaths
    store: Archive
    analysis: Analysis
    policy: PollingPolicy
    wait_seconds: float
    on_progress: Callable[[int, int], None] = lambda _done, _total: None
    budget: Budget = field(default_factory=Budget)

    def of(self, store: Archive) -> Derivation:
        """The same from another archive."""
        return replace(self, store=store)

    def load_all(self, con: duckdb.DuckDBPyConnection, total: Loaded, only: Collection[str] | None = None) -> None:
        """Load all segments of the archive that the file of `con` lacks, or those of `only`.

        The result is added to `total`, except that its damaged segments are replaced.
        """
        total.damaged.clear()
        segments = unloaded(con, self.store)
        if only is not None:
            segments = [one for one in segments if one.segment_id in only]
        steps = list(steps_of(segments, self.budget.rebuild_rows))
        with prepare_steps(steps, self.analysis.failure_rules, self.budget, temporary_folder(con)) as ready:
            self._load(con, zip(steps, ready, strict=True), total, 0, len(segments))

    def load_into_empty(
        self, opened: Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]], total: Loaded
    ) -> None:
        """Load the archive into an empty file, in portions; `opened` is called for each, and closes the file after it.

        Closing the file compresses what was loaded. Until then DuckDB needs memory beyond its limit: some 70 MB for
        each million answers loaded.
        """
        with opened() as con:
            segments, folder = unloaded(con, self.store), temporary_folder(con)
        portions = [
            list(steps_of(one, self.budget.rebuild_rows)) for one in steps_of(segments, self.budget.portion_rows)
        ]
        steps = [step for portion in portions for step in portion]
        with prepare_steps(steps, self.analysis.failure_rules, self.budget, folder) as ready:
            done, prepared = 0, iter(ready)
            for portion in portions:
                with opened() as con:
                    these = zip(portion, islice(prepared, len(portion)), strict=True)
                    done = self._load(con, these, total, done, len(segments))

    def _load(
        self,
        con: duckdb.DuckDBPyConnection,
        steps: Iterable[tuple[Sequence[Segment], Prepared]],
        total: Loaded,
        before: int,
        every: int,
    ) -> int:
        """Load some steps. `before` of `every` segments were done already; returns how many are done after them."""
        between = spill if self.budget.is_short else _do_nothing
        for done in load_prepared(con, steps, self.analysis, self.policy, budget=self.budget, between=between):
            total.add(done)
            before += done.segments + len(done.damaged)
            self.on_progress(before, every)
        return before


def _do_nothing(_con: duckdb.DuckDBPyConnection) -> None:
    pass
