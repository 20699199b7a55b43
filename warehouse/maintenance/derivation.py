"""What it takes to derive a warehouse from its archive, and doing it."""

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
    """What it takes to derive a warehouse again.

    Attributes:
        paths: the data directory.
        store: the archive in it, or what is to be seen of it.
        analysis: what people decided.
        policy: when pending ids are polled again.
        wait_seconds: how long to wait for the live warehouse's lock.
        on_progress: called with segments done and segments in all.
        budget: what it may use of the machine.
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
        """Load into a file's `con` what it lacks of the archive, or of `only` these segments.

        What was loaded is added to `total`; its damaged segments are those of this time.
        """
        total.damaged.clear()
        segments = unloaded(con, self.store)
        if only is not None:
            segments = [one for one in segments if one.segment_id in only]
        steps = list(steps_of(segments, self.budget.rebuild_rows))
        with prepare_steps(steps, self.analysis.failure_rules, self.budget, temporary_folder(con)) as ready:
            self._load(con, zip(steps, ready, strict=True), total, 0, len(segments))

    def load_anew(self, opened: Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]], total: Loaded) -> None:
        """Load the archive into an empty file, which is `opened` again for each portion of it.

        What a portion brings is compressed when the file is closed. Until then DuckDB keeps in memory, beyond its
        limit, some 70 MB for each million answers that the file has taken.
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
        """Load some steps, `before` which segments were done of `every` one; returns how many then are."""
        between = spill if self.budget.is_short else _do_nothing
        for done in load_prepared(con, steps, self.analysis, self.policy, budget=self.budget, between=between):
            total.add(done)
            before += done.segments + len(done.damaged)
            self.on_progress(before, every)
        return before


def _do_nothing(_con: duckdb.DuckDBPyConnection) -> None:
    pass
