"""What a rebuild would lose: segments in the ledger that are missing in the archive, or cannot be read.

Then only the tables still have the rows of these segments, and a rebuild would drop them.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.archive.parquet import SCHEMAS, composition
from warehouse.database.locks import sole_writer
from warehouse.database.reader import open_published
from warehouse.database.writer import open_file
from warehouse.errors import ArchiveError, LossError, WarehouseDamagedError, WarehouseError, WarehouseLockedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from warehouse.archive.parquet import Damaged
    from warehouse.archive.segments import Archive
    from warehouse.paths import DataPaths


#: Messages name this many missing segments.
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Ledger:
    """The segments that a warehouse was derived from.

    Attributes:
        place: the warehouse, in words.
        segments: each segment's kind and number of rows, by its id.
    """

    place: str
    segments: dict[str, tuple[str, int]]


def ledger_of(con: duckdb.DuckDBPyConnection, place: str) -> Ledger:
    """The ledger of the database in use; empty if there is none yet."""
    try:
        rows = con.execute("select segment_id, kind, rows from segments").fetchall()
    except duckdb.CatalogException:
        rows = []
    return Ledger(place, {segment_id: (kind, rows) for segment_id, kind, rows in rows})


def _ledger_of_published(paths: DataPaths) -> Ledger | None:
    with contextlib.suppress(WarehouseError), contextlib.closing(open_published(paths)) as con:
        return ledger_of(con, f"the warehouse {paths.published}")
    return None


def ledger_of_live(
    paths: DataPaths, deadline: float, wait_seconds: float, notify: Callable[[str], None]
) -> Ledger | None:
    """The ledger of the live file, or of the published copy if the live one is missing or damaged.

    The caller holds our lock on the live file.

    Raises:
        WarehouseLockedError: when another process still has it open at `deadline`.
    """
    if paths.warehouse.exists():
        try:
            with open_file(paths.warehouse, deadline, wait_seconds) as con:
                return ledger_of(con, f"the warehouse {paths.warehouse}")
        except (WarehouseDamagedError, duckdb.Error):
            notify(f"{paths.warehouse} cannot be read: only the published copy shows what a rebuild may lose")
    return _ledger_of_published(paths)


@dataclass(frozen=True, slots=True)
class LossGuard:
    """Keeps a rebuild from losing anything, unless the operator has accepted it.

    Attributes:
        store: the archive.
        accept_loss: whether rows of segments that it no longer has may be lost.
        notify: called with messages for the operator about losses.
    """

    store: Archive
    accept_loss: bool = False
    notify: Callable[[str], None] = lambda _line: None

    def check_early(self, read_ledger: Callable[[], Ledger | None]) -> None:
        """Check before any work is done; if the warehouse is locked, leave it to the check at the end.

        Args:
            read_ledger: `Warehouse.ledger` of the warehouse to be replaced.

        Raises:
            LossError: when something would be lost, and the operator has not accepted that.
        """
        if self.accept_loss:
            return
        with contextlib.suppress(WarehouseLockedError):
            self.check(read_ledger())

    def check(self, ledger: Ledger | None, damaged: Iterable[Damaged] = ()) -> None:
        """Check the ledger of the warehouse to be replaced; `damaged` segments count as missing.

        Raises:
            LossError: when something would be lost, and the operator has not accepted that.
        """
        try:
            check_nothing_is_lost(ledger, self.store, [one.segment.segment_id for one in damaged])
        except LossError as error:
            if not self.accept_loss:
                advice = (
                    "Nothing was changed. Mount or restore the archive; to continue without them, give --accept-loss"
                )
                raise LossError(f"{error}. {advice}") from None
            self.notify(f"{error}. They are lost now, because --accept-loss was given")


def ledger_if_free(paths: DataPaths) -> Ledger | None:
    """As `ledger_of_live`, for a caller that does not hold the lock.

    Raises:
        WarehouseLockedError: when another process has locked the file.
    """
    if not paths.warehouse.exists():
        return _ledger_of_published(paths)
    with sole_writer(paths.warehouse, 0):
        return ledger_of_live(paths, time.monotonic(), 0, lambda _line: None)


def check_nothing_is_lost(ledger: Ledger | None, store: Archive, unreadable: Collection[str] = ()) -> None:
    """Compare a ledger with what the archive has.

    Args:
        ledger: the ledger of the warehouse to be replaced; None if it cannot be read.
        store: the archive.
        unreadable: ids of segments that exist but cannot be read.

    Raises:
        LossError: when the archive has a segment of the ledger neither itself nor in a compacted one, or when the
            ledger cannot be read and the archive is empty.
    """
    archived = _archived_ids(store)
    if ledger is None:
        if not archived:
            msg = f"there is nothing in the archive at {store.storage}, and no warehouse can be read to compare it with"
            raise LossError(msg)
        return
    missing = ledger.segments.keys() - (archived - set(unreadable))
    if missing:
        raise LossError(_words(ledger, sorted(missing), store))


def _archived_ids(store: Archive) -> set[str]:
    """Ids of all segments whose rows the archive has, in their own file or in one compacted from them."""
    archived: set[str] = set()
    for segment in (one for kind in SCHEMAS for one in (*store.segments(kind), *store.replaced(kind))):
        archived.add(segment.segment_id)
        with contextlib.suppress(ArchiveError):  # the load reports it
            archived |= composition(segment).replaced
    return archived


def _words(ledger: Ledger, missing: list[str], store: Archive) -> str:
    rows = Counter[str]()
    for one in missing:
        kind, count = ledger.segments[one]
        rows[kind] += count
    names = ", ".join(missing[:_NAMED]) + (", …" if len(missing) > _NAMED else "")
    is_folder_missing = store.folder is not None and not store.folder.is_dir()
    where = "missing: there is no folder" if is_folder_missing else "missing or damaged in the archive at"
    pages = f", {rows['list_pages']:,} pages of the gateway's list" if rows["list_pages"] else ""
    return (
        f"{len(missing):,} of {len(ledger.segments):,} segments that {ledger.place} was derived from are {where} "
        f"{store.storage}: {rows['observations']:,} answers, {rows['requests']:,} accepted ids, {rows['runs']:,} "
        f"summaries of runs{pages} that only the tables still have ({names})"
    )
