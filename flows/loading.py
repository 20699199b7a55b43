"""Between a run and the warehouse: what is archived is loaded, or done without while somebody holds the warehouse."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from warehouse import connection
from warehouse.errors import (
    LakeError,
    NothingPublishedError,
    WarehouseDamagedError,
    WarehouseFullError,
    WarehouseHeldError,
    WarehouseUnwritableError,
)
from warehouse.load import Loaded, load_in_steps, unloaded
from warehouse.publish import publish_closed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import duckdb

    from flows.run import Run
    from warehouse.archive import Segment

#: What keeps a run from loading and not from collecting: what it archived is loaded by the next.
CANNOT_LOAD: Final = (
    WarehouseHeldError,
    WarehouseDamagedError,
    WarehouseFullError,
    WarehouseUnwritableError,
    LakeError,
)


@contextmanager
def loaded_warehouse(
    run: Run, wait_seconds: float, *, publish: bool = False, later: Collection[Segment] = ()
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Loaded]]:
    """The warehouse with everything in the archive loaded, locked for the block; then published, if asked for.

    A lake is neither locked nor published: whoever reads it sees each step at once, and others may load meanwhile. In a
    file, which nobody reads before it is published, what is in `later` is left to a later load.

    Raises:
        WarehouseHeldError: when its lock, or on a lake a turn, does not come within `wait_seconds`.
        WarehouseDamagedError: when it cannot be opened.
        LakeError: when the lake cannot be reached.
    """
    if run.paths.lake:
        with connection.lake_writer(run.paths.lake, wait_seconds) as con:
            yield con, load_segments(run, con, _own_first(run, unloaded(con, run.store)))
        return
    warehouse, deadline = run.paths.warehouse, time.monotonic() + wait_seconds
    with connection.sole_writer(warehouse, wait_seconds):
        with connection.open_file(warehouse, deadline, wait_seconds) as con:
            connection.prepare(con)
            left = {one.segment_id for one in later}
            now = [one for one in unloaded(con, run.store) if one.segment_id not in left]
            done = load_segments(run, con, now, connection.lay_aside)
            yield con, done
            if publish:
                con.execute("checkpoint")
        if publish:
            publish_closed(run.paths)


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
    return total


def _own_first(run: Run, segments: Sequence[Segment]) -> list[Segment]:
    """So that workers that load at once begin at different ends; what others have loaded meanwhile is passed over."""
    return sorted(segments, key=lambda one: run.run_id not in one.segment_id)


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
def own_answers(run: Run) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory that holds what this run alone has archived."""
    own = [
        one for kind in ("requests", "observations") for one in run.store.segments(kind) if run.run_id in one.segment_id
    ]
    with connection.scratch() as con:
        load_segments(run, con, own)
        yield con
