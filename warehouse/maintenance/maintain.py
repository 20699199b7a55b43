"""Regular maintenance: few segments, nothing older than wanted, and a check that the warehouse can be rebuilt.

In this order: load what is archived, and remove files that earlier maintenance left; compact small segments; derive the
warehouse again beside the live one and compare; only then drop days that are too old, and replace the warehouse by one
derived without them. If it is killed, the archive is complete and the next maintenance continues.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from warehouse.archive.active_runs import first_busy_day
from warehouse.archive.compact import compact, discard, drop_days, remove_replaced
from warehouse.archive.parquet import SCHEMAS
from warehouse.archive.segments import Archive
from warehouse.database.locks import lock_holder, sole_writer
from warehouse.database.publish import publish_closed
from warehouse.database.schema import statement
from warehouse.database.session import prepare
from warehouse.database.writer import open_file
from warehouse.errors import WarehouseLockedError
from warehouse.load.loader import Loaded
from warehouse.maintenance.beside import built_beside, live_locked, place_beside, swap_in
from warehouse.maintenance.findings import Difference, Maintained, fingerprints, size
from warehouse.maintenance.retention import check_retention, plan_retention

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from warehouse.maintenance.derivation import Derivation
    from warehouse.paths import DataPaths


def maintain_file(work: Derivation, now: datetime, retain_days: int | None, *, accept_loss: bool = False) -> Maintained:
    """Maintain archive and warehouse. Collecting, loading and reading may continue meanwhile.

    An archive on object storage is only verified, not compacted, and no days are dropped: runs on other machines may
    rely on its segments, and the locks of active runs (`active_runs`) are local to this machine.

    Args:
        work: the data directory, and what a rebuild needs.
        now: the current time, UTC.
        retain_days: ids and answers of whole days (UTC) longer ago are dropped, from the archive and then from every
            table; None keeps everything. If the check finds anything wrong, nothing is dropped.
        accept_loss: whether to drop them even if the clock may be wrong, or ids in them are still polled.

    Raises:
        RetentionRefusedError: when they must not be dropped; then nothing was dropped or compacted.
        WarehouseLockedError: when the warehouse stays locked, or another maintenance is active.
        WarehouseDamagedError: when it cannot be opened, or is of another version.
        ArchiveError: when the archive cannot be read or written.
    """
    with _one_at_a_time(work.paths):
        done = Maintained(size(work.store))
        if work.store.folder is None:
            done.lost = _lost(work.store, _load_and_tidy(work))
            _verify(work, done)
        else:
            _compact_and_drop(work, done, now, retain_days, accept_loss=accept_loss)
        done.after = size(work.store)
    return done


def _compact_and_drop(
    work: Derivation, done: Maintained, now: datetime, retain_days: int | None, *, accept_loss: bool
) -> None:
    discard(work.store)
    before = first_busy_day(work.paths.active_runs, now)
    ledger = _load_and_tidy(work)
    done.lost = _lost(work.store, ledger)
    plan = plan_retention(work.paths, work.store, now, retain_days) if retain_days is not None else None
    if plan is not None and not accept_loss:
        check_retention(plan)
    not_before = plan.not_before if plan is not None else ""
    kept = Archive(work.store.storage, not_before)
    done.joined = sum(len(joined.parts) for joined in compact(kept, ledger, before))
    if done.joined:
        _load_and_tidy(work)
    _verify(work, done)
    if not_before and done.is_sound:
        _drop(work, kept, done)


@contextlib.contextmanager
def _one_at_a_time(paths: DataPaths) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(sole_writer(paths.maintenance, 0))
        except WarehouseLockedError:
            holder = lock_holder(paths.maintenance) or "another process"
            msg = f"`avatar-tasks maintain` is already running on {paths.root}, in {holder}. Nothing was done"
            raise WarehouseLockedError(msg) from None
        yield


def _load_and_tidy(work: Derivation) -> set[str]:
    """Load what is archived, so that ledger and archive agree, and remove replaced segments; returns the ledger."""
    with live_locked(work) as deadline:
        with open_file(work.paths.warehouse, deadline, work.wait_seconds) as con:
            prepare(con)
            work.load_all(con, Loaded())
            ledger = {segment_id for (segment_id,) in con.execute("select segment_id from segments").fetchall()}
            con.execute("checkpoint")
        remove_replaced(work.store)
        publish_closed(work.paths)
    return ledger


def _lost(store: Archive, ledger: set[str]) -> list[str]:
    return sorted(ledger - {one.segment_id for kind in SCHEMAS for one in store.segments(kind)})


def _verify(work: Derivation, done: Maintained) -> None:
    """Derive the warehouse again and compare every table and the ledger; the live one is locked only to compare."""
    with built_beside(work) as total, live_locked(work) as deadline:
        with open_file(work.paths.warehouse, deadline, work.wait_seconds) as con:
            prepare(con)
            work.load_all(con, loaded := Loaded())
            live = fingerprints(con)
            known = {segment_id for (segment_id,) in con.execute("select segment_id from segments").fetchall()}
            known |= {one.segment.segment_id for one in loaded.damaged}
            done.broken = dict(con.execute(statement("queries/broken_rules")).fetchall())
        with open_file(place_beside(work.paths), deadline, work.wait_seconds) as con:
            work.load_all(con, total, known)  # without segments that a run has just archived
            rebuilt = fingerprints(con)
    done.damaged = total.damaged
    done.differences = [
        Difference(table, live[table][0], rebuilt[table][0]) for table in live if live[table] != rebuilt[table]
    ]


def _drop(work: Derivation, kept: Archive, done: Maintained) -> None:
    """Derive the warehouse without the days before `kept.not_before`, replace the live one, then drop these days."""
    if not any(kept.not_before > one.day for kind in SCHEMAS if kind != "runs" for one in work.store.segments(kind)):
        return
    less = work.of(kept)
    with built_beside(less) as total, live_locked(less) as deadline:
        with open_file(place_beside(less.paths), deadline, less.wait_seconds) as con:
            less.load_all(con, total)
            con.execute("checkpoint")
        swap_in(less, deadline)
        gone = drop_days(work.store, kept.not_before)
        publish_closed(less.paths)
    done.dropped_days = sorted({path.name[-10:] for path in gone})
    discard(work.store)
