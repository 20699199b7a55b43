"""The whole warehouse again from the archive, beside the live one, then in its place."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.connection import open_file, prepare, sole_writer
from warehouse.durable import UNFINISHED, sync_directory
from warehouse.errors import WarehouseDamagedError
from warehouse.load import Loaded, load_in_steps, unloaded
from warehouse.publish import publish_closed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from warehouse.analysis import Analysis
    from warehouse.archive import Archive, Segment
    from warehouse.paths import DataPaths
    from warehouse.policy import PollingPolicy

#: So much is written ahead before it is brought into the file. At DuckDB's own 16 MB each step of a load would compress
#: the last rows of each table again, which takes a fifth of a rebuild.
_CHECKPOINT: Final = "256MB"

#: What DuckDB may keep of the new file in memory: without a limit, four fifths of the machine's.
_MEMORY: Final = "1GB"


def rebuild(
    paths: DataPaths,
    store: Archive,
    analysis: Analysis,
    policy: PollingPolicy,
    *,
    wait_seconds: float,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Loaded:
    """Derive the warehouse again and publish it. The live one is untouched until the new one is whole.

    Collecting and loading may go on meanwhile: what arrives is loaded before the swap.

    Args:
        paths: the data directory.
        store: the archive in it.
        analysis: what people decided.
        policy: when pending ids are asked again.
        wait_seconds: how long to wait for the live warehouse's lock at the end.
        on_progress: called with segments done and segments in all.

    Raises:
        WarehouseHeldError: when the live warehouse stays held; it is then untouched.
        ArchiveError: when the archive cannot be read.
    """
    beside = paths.warehouse.with_name(f"{UNFINISHED}rebuild-{paths.warehouse.name}")
    with sole_writer(beside, wait_seconds):
        _remove(beside)
        try:
            return _build_and_swap(paths, store, analysis, policy, beside, wait_seconds, on_progress)
        finally:
            _remove(beside)


def _build_and_swap(
    paths: DataPaths,
    store: Archive,
    analysis: Analysis,
    policy: PollingPolicy,
    beside: Path,
    wait_seconds: float,
    on_progress: Callable[[int, int], None],
) -> Loaded:
    total = Loaded()

    def load_all(con: duckdb.DuckDBPyConnection, segments: Sequence[Segment]) -> None:
        loaded = 0
        for done in load_in_steps(con, segments, analysis, policy):
            total.segments += done.segments
            total.answers += done.answers
            total.damaged += done.damaged
            loaded += done.segments + len(done.damaged)
            on_progress(loaded, len(segments))

    with open_file(beside, 0, 0) as con:
        prepare(con)
        con.execute(f"set checkpoint_threshold = '{_CHECKPOINT}'")
        con.execute(f"set memory_limit = '{_MEMORY}'")
        load_all(con, unloaded(con, store))
    deadline = time.monotonic() + wait_seconds
    with sole_writer(paths.warehouse, wait_seconds):
        with open_file(beside, deadline, wait_seconds) as con:
            total.damaged.clear()
            load_all(con, unloaded(con, store))
            con.execute("checkpoint")
        _swap(beside, paths.warehouse, deadline, wait_seconds)
        publish_closed(paths)
    return total


def _swap(new: Path, live: Path, deadline: float, wait_seconds: float) -> None:
    """Put the new file in the live one's place; a live one that somebody else has open is waited for.

    The live one is held until it is replaced, so that nobody opens it in between. Its log goes first: DuckDB would
    replay it into the new file.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(WarehouseDamagedError, duckdb.Error):  # damage is why it is being rebuilt
            stack.enter_context(open_file(live, deadline, wait_seconds)).execute("checkpoint")
        _log_of(live).unlink(missing_ok=True)
        new.replace(live)
        sync_directory(live.parent)


def _remove(path: Path) -> None:
    for leftover in (path, _log_of(path)):
        leftover.unlink(missing_ok=True)


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")
