"""The whole warehouse again from the archive, beside the live one, then in its place."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.archive.atomic import UNFINISHED, sync_directory
from warehouse.database.connection import lake_connection, open_file, open_unlogged, prepare, sole_writer
from warehouse.database.publish import publish_closed
from warehouse.ducklake.rebuild import rebuild_lake
from warehouse.errors import WarehouseDamagedError
from warehouse.load.loader import Loaded, load_in_steps, unloaded
from warehouse.maintenance.losses import LossGuard, ledger_of_live

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from warehouse.analysis import Analysis
    from warehouse.archive.segments import Archive
    from warehouse.paths import DataPaths
    from warehouse.policy import PollingPolicy

#: Rows of segments between two checkpoints. Each compresses the last rows of every table again, up to 122,880; until it
#: comes, rows stay in memory uncompressed.
_STEP_ROWS: Final = 160_000

#: What DuckDB may keep of the new file in memory: without a limit, four fifths of the machine's.
_MEMORY: Final = "512MB"


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """What it takes to derive a warehouse again.

    Attributes:
        paths: the data directory.
        store: the archive in it, or what is to be seen of it.
        analysis: what people decided.
        policy: when pending ids are asked again.
        wait_seconds: how long to wait for the live warehouse's lock at the end.
        on_progress: called with segments done and segments in all.
    """

    paths: DataPaths
    store: Archive
    analysis: Analysis
    policy: PollingPolicy
    wait_seconds: float
    on_progress: Callable[[int, int], None] = lambda _done, _total: None

    @property
    def beside(self) -> Path:
        return _beside(self.paths)

    def load_all(self, con: duckdb.DuckDBPyConnection, total: Loaded, only: Collection[str] | None = None) -> None:
        """Load into `con` what it lacks of the archive, or of `only` these; damaged segments are those of this time."""
        total.damaged.clear()
        segments, loaded = unloaded(con, self.store), 0
        if only is not None:
            segments = [one for one in segments if one.segment_id in only]
        for done in load_in_steps(con, segments, self.analysis, self.policy, _STEP_ROWS, read_ahead=True):
            con.execute("checkpoint")
            total.segments += done.segments
            total.answers += done.answers
            total.damaged += done.damaged
            loaded += done.segments + len(done.damaged)
            self.on_progress(loaded, len(segments))


def rebuild(
    paths: DataPaths,
    store: Archive,
    analysis: Analysis,
    policy: PollingPolicy,
    *,
    wait_seconds: float,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    accept_loss: bool = False,
    notify: Callable[[str], None] = lambda _line: None,
) -> Loaded:
    """Derive the warehouse again and, but for a lake, publish it. The live one is untouched until the new one is whole.

    Collecting and loading may go on meanwhile: what arrives is loaded before the swap.

    Args:
        paths: the data directory.
        store: the archive in it.
        analysis: what people decided.
        policy: when pending ids are asked again.
        wait_seconds: how long to wait for the live warehouse's lock at the end.
        on_progress: called with segments done and segments in all.
        accept_loss: whether what the archive no longer has may go from the tables.
        notify: called with what the operator should know of it.

    Raises:
        LossError: when the new warehouse would lack segments of the ledger; the live one is then untouched.
        WarehouseHeldError: when the live warehouse stays held; likewise.
        ArchiveError: when the archive cannot be read.
    """
    guard = LossGuard(store, accept_loss, notify)
    guard.check_early(paths)
    if paths.lake:
        with lake_connection(paths.lake, wait_seconds) as con:
            return rebuild_lake(con, store, analysis, policy, on_progress, guard)
    work = Rebuilding(paths, store, analysis, policy, wait_seconds, on_progress)
    with built_beside(work) as total, live_held(work) as deadline:
        with open_file(work.beside, deadline, wait_seconds) as con:
            work.load_all(con, total)
            con.execute("checkpoint")
        guard.check(ledger_of_live(paths, deadline, wait_seconds, notify), total.damaged)
        swap_in(work, deadline)
        publish_closed(paths)
    return total


def clear_half_made(paths: DataPaths) -> None:
    """Remove what a rebuild that was killed left beside the warehouse.

    Raises:
        WarehouseHeldError: when a rebuild is at work.
    """
    beside = _beside(paths)
    if any(beside.parent.glob(f"{beside.name}*")):
        with sole_writer(beside, 0):
            _remove(beside)


@contextlib.contextmanager
def built_beside(work: Rebuilding) -> Iterator[Loaded]:
    """A warehouse derived from the archive at `work.beside`, gone when the block ends unless it was swapped in."""
    total = Loaded()
    with sole_writer(work.beside, work.wait_seconds):
        _remove(work.beside)
        try:
            with open_unlogged(work.beside) as con:
                prepare(con)
                con.execute(f"set memory_limit = '{_MEMORY}'")
                work.load_all(con, total)
            yield total
        finally:
            _remove(work.beside)


@contextlib.contextmanager
def live_held(work: Rebuilding) -> Iterator[float]:
    """Our lock on the live warehouse; yields until when to wait for DuckDB's (monotonic seconds)."""
    deadline = time.monotonic() + work.wait_seconds
    with sole_writer(work.paths.warehouse, work.wait_seconds):
        yield deadline


def swap_in(work: Rebuilding, deadline: float) -> None:
    """Put the warehouse beside in the live one's place; the caller has loaded it up and holds the lock.

    Raises:
        WarehouseHeldError: when somebody else has the live one open until `deadline`.
    """
    _swap(work.beside, work.paths.warehouse, deadline, work.wait_seconds)


def _swap(new: Path, live: Path, deadline: float, wait_seconds: float) -> None:
    """Put the new file in the live one's place; a live one that somebody else has open is waited for.

    The live one is held until it is replaced, so that nobody opens it in between. Its log goes first: DuckDB would
    replay it into the new file.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(WarehouseDamagedError, duckdb.Error):  # damage is why it is being rebuilt
            stack.enter_context(open_file(live, deadline, wait_seconds)).execute("checkpoint")
        _log_of(live).unlink(missing_ok=True)
        sync_directory(live.parent)  # or a power cut might leave the new file beside the old log
        new.replace(live)
        sync_directory(live.parent)


def _beside(paths: DataPaths) -> Path:
    return paths.warehouse.with_name(f"{UNFINISHED}rebuild-{paths.warehouse.name}")


def _remove(path: Path) -> None:
    """A database file, its log, and the folder in which DuckDB keeps what memory does not hold."""
    for leftover in (path, _log_of(path)):
        leftover.unlink(missing_ok=True)
    shutil.rmtree(path.with_name(f"{path.name}.tmp"), ignore_errors=True)


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")
