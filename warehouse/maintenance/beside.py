"""Derive a warehouse file again from the archive, beside the live one, then replace the live one by it."""

from __future__ import annotations

import contextlib
import shutil
import time
from functools import partial
from typing import TYPE_CHECKING

import duckdb

from warehouse.archive.atomic import UNFINISHED, sync_directory
from warehouse.database.locks import sole_writer
from warehouse.database.memory_limit import set_limit
from warehouse.database.publish import publish_closed
from warehouse.database.session import prepare
from warehouse.database.writer import open_file, open_unlogged
from warehouse.errors import WarehouseDamagedError
from warehouse.load.loader import Loaded
from warehouse.maintenance.losses import ledger_of_live

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warehouse.load.budget import Budget
    from warehouse.maintenance.derivation import Derivation
    from warehouse.maintenance.losses import LossGuard
    from warehouse.paths import DataPaths


def rebuild_file(work: Derivation, guard: LossGuard) -> Loaded:
    """Derive the warehouse again and publish it. The live one is not changed until the new one is complete.

    Collecting and loading may continue meanwhile: segments that arrive are loaded before the swap.

    Raises:
        LossError: when the new warehouse would lack segments of the ledger; then the live one is not changed.
        WarehouseLockedError: when the live warehouse stays locked; then it is not changed.
        ArchiveError: when the archive cannot be read.
    """
    with built_beside(work) as total, live_locked(work) as deadline:
        with open_file(place_beside(work.paths), deadline, work.wait_seconds) as con:
            work.load_all(con, total)
            con.execute("checkpoint")
        guard.check(ledger_of_live(work.paths, deadline, work.wait_seconds, guard.notify), total.damaged)
        swap_in(work, deadline)
        publish_closed(work.paths)
    return total


def clear_unfinished_rebuild(paths: DataPaths) -> None:
    """Remove the file that a killed rebuild left beside the warehouse.

    Raises:
        WarehouseLockedError: when a rebuild is running.
    """
    beside = place_beside(paths)
    if any(beside.parent.glob(f"{beside.name}*")):
        with sole_writer(beside, 0):
            _remove(beside)


@contextlib.contextmanager
def built_beside(work: Derivation) -> Iterator[Loaded]:
    """A warehouse derived from the archive at `place_beside`, removed when the block ends unless it was swapped in."""
    total = Loaded()
    beside = place_beside(work.paths)
    with sole_writer(beside, work.wait_seconds):
        _remove(beside)
        try:
            work.load_into_empty(partial(_opened, beside, work.budget), total)
            yield total
        finally:
            _remove(beside)


@contextlib.contextmanager
def _opened(beside: Path, budget: Budget) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_unlogged(beside, budget.checkpoint_threads, budget.group_rows) as con:
        prepare(con)
        set_limit(con, budget.file_bytes)
        yield con


@contextlib.contextmanager
def live_locked(work: Derivation) -> Iterator[float]:
    """Our lock on the live warehouse; yields the deadline for getting DuckDB's lock (monotonic seconds)."""
    deadline = time.monotonic() + work.wait_seconds
    with sole_writer(work.paths.warehouse, work.wait_seconds):
        yield deadline


def swap_in(work: Derivation, deadline: float) -> None:
    """Replace the live warehouse by the one at `place_beside`; the caller has loaded everything and holds the lock.

    Raises:
        WarehouseLockedError: when another process still has the live one open at `deadline`.
    """
    _swap(place_beside(work.paths), work.paths.warehouse, deadline, work.wait_seconds)


def _swap(new: Path, live: Path, deadline: float, wait_seconds: float) -> None:
    """Replace the live file by the new one; waits while another process has the live one open.

    The live file is kept open until it is replaced, so that no other process opens it in between. Its log is removed
    first: DuckDB would replay it into the new file.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(WarehouseDamagedError, duckdb.Error):  # damage is why it is being rebuilt
            stack.enter_context(open_file(live, deadline, wait_seconds)).execute("checkpoint")
        _log_of(live).unlink(missing_ok=True)
        sync_directory(live.parent)  # or a power cut might leave the new file beside the old log
        new.replace(live)
        sync_directory(live.parent)


def place_beside(paths: DataPaths) -> Path:
    return paths.warehouse.with_name(f"{UNFINISHED}rebuild-{paths.warehouse.name}")


def _remove(path: Path) -> None:
    """Remove a database file, its log, and the folder of DuckDB's temporary files."""
    for leftover in (path, _log_of(path)):
        leftover.unlink(missing_ok=True)
    shutil.rmtree(path.with_name(f"{path.name}.tmp"), ignore_errors=True)


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")
