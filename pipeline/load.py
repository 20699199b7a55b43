"""From a run's archive to the warehouse, in steps: open the warehouse to write, load what is waiting, publish.

If the warehouse cannot be opened, a run continues with what was last published (`last_known`) or with what it has
archived itself (`own_answers`).
"""

from __future__ import annotations

import dataclasses
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.archive.parquet import OF_TASKS
from warehouse.backends.choose import reader
from warehouse.database.scratch import scratch
from warehouse.errors import LakeError, NothingPublishedError
from warehouse.load.large import load_in_steps
from warehouse.load.loader import Loaded, unloaded
from warehouse.load.steps import size_in_rows, steps_of
from warehouse.plan import can_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import duckdb

    from pipeline.run import Run
    from warehouse.archive.parquet import Segment
    from warehouse.backends.interface import Writer


@dataclass(frozen=True, slots=True)
class RunWriter:
    """The warehouse of a run, opened to load into.

    Attributes:
        run: the run.
        opened: its warehouse.
        loaded: what was loaded so far; it stays loaded even if the next portion fails.
    """

    run: Run
    opened: Writer
    loaded: Loaded

    @contextmanager
    def open_loaded(
        self, *, later: Collection[Segment] = (), of_run: str | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Load what is archived and not loaded yet; yields a connection that may write.

        Where memory is short, a file is closed after each portion and opened again: what DuckDB holds of an open file
        grows with what was loaded into it.

        Args:
            later: segments that may be left to a later load.
            of_run: load only what this run archived.

        Raises:
            WarehouseLockedError, WarehouseDamagedError, WarehouseFullError, LakeError: see `Writer.open`.
        """
        portions: list[list[Segment]] | None = None
        while portions is None or portions:
            with self.opened.open(self.run.settings.budget.group_rows) as con:
                if portions is None:
                    waiting = [
                        one for one in unloaded(con, self.run.store) if of_run is None or of_run in one.segment_id
                    ]
                    portions = self._portions(self.opened.to_load(waiting, later=later))
                for part in self.opened.portions(con, portions.pop(0), self.run.run_id):
                    load_segments(
                        self.run, con, part, self.opened.free_memory, self.opened.step_rows, add_to=self.loaded
                    )
                if not portions:
                    yield con

    def _portions(self, segments: list[Segment]) -> list[list[Segment]]:
        """At least one; what is loaded into a file between opening and closing it."""
        budget = self.run.settings.budget
        if self.run.warehouse.has_many_writers or not budget.is_short:
            return [segments]
        portions = list(steps_of(segments, budget.portion_rows))
        return [*portions, []] if len(portions) > 1 else portions  # queries over everything find a file just opened

    def publish(self) -> None:
        """See `Writer.publish`."""
        self.opened.publish()


@contextmanager
def writer(run: Run, wait_seconds: float, add_to: Loaded | None = None) -> Iterator[RunWriter]:
    """The warehouse of a run, to load into until the block ends; what is loaded is added to `add_to`.

    Raises:
        WarehouseLockedError, WarehouseDamagedError, LakeError: see `Warehouse.open_to_load`.
    """
    with run.warehouse.open_to_load(wait_seconds) as opened:
        yield RunWriter(run, opened, Loaded() if add_to is None else add_to)


def load_segments(
    run: Run,
    con: duckdb.DuckDBPyConnection,
    segments: Sequence[Segment],
    between_steps: Callable[[duckdb.DuckDBPyConnection], None] = lambda _con: None,
    step_rows: int | None = None,
    *,
    add_to: Loaded | None = None,
) -> None:
    """Load segments with the policy, analysis file and memory of this run, and warn of those that cannot be read.

    Each committed step is added to `add_to`.
    """
    policy, budget = run.policy, run.settings.budget
    rows = step_rows or run.sizes.step_rows or budget.step_rows(sum(map(size_in_rows, segments)))
    if step_rows:  # other runs load at the same time and use the other cores
        budget = dataclasses.replace(budget, processes=1)
    for done in load_in_steps(con, segments, run.analysis, policy, rows, budget=budget, between=between_steps):
        if add_to is not None:
            add_to.add(done)
        for damaged in done.damaged:
            run.warn_once(damaged.error)


@contextmanager
def last_known(run: Run) -> Iterator[duckdb.DuckDBPyConnection]:
    """What was last published, or what is in the lake.

    An empty warehouse if that cannot be read, or was made by another version whose views cannot be used to plan.
    """
    with ExitStack() as stack:
        found = None
        with suppress(NothingPublishedError, LakeError):
            found = stack.enter_context(reader(run.paths))
        yield found if found and can_plan(found) else stack.enter_context(scratch())


@contextmanager
def own_answers(run: Run) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with only what this run has archived, in bounded memory; the rest is in temporary files."""
    with ExitStack() as stack:
        folder = None
        with suppress(OSError):  # without room for a folder, everything is in memory
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="avatar-tasks-")))
        con = stack.enter_context(scratch(folder))
        load_segments(run, con, own_segments(run))
        yield con


def own_segments(run: Run) -> list[Segment]:
    """The ids and answers that this run has archived."""
    return [one for kind in OF_TASKS for one in run.store.segments(kind) if run.run_id in one.segment_id]
