"""What it takes to derive a warehouse from its archive, and doing it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from warehouse.database.writer import spill
from warehouse.load.budget import Budget
from warehouse.load.loader import Loaded, load_in_steps, unloaded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import duckdb

    from warehouse.analysis import Analysis
    from warehouse.archive.segments import Archive
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
        segments, loaded = unloaded(con, self.store), 0
        if only is not None:
            segments = [one for one in segments if one.segment_id in only]
        between = spill if self.budget.is_short else _do_nothing
        step_rows, policy = self.budget.rebuild_rows, self.policy
        steps = load_in_steps(con, segments, self.analysis, policy, step_rows, budget=self.budget, between=between)
        for number, done in enumerate(steps, start=1):
            if number % self.budget.checkpoint_steps == 0:
                con.execute("checkpoint")
            total.add(done)
            loaded += done.segments + len(done.damaged)
            self.on_progress(loaded, len(segments))


def _do_nothing(_con: duckdb.DuckDBPyConnection) -> None:
    pass
