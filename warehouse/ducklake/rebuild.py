"""Derive a lake's tables again from the archive, in a schema beside them, then replace them in one transaction."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from warehouse.database import schema as catalog
from warehouse.database.advisory_lock import serialized, write_lock
from warehouse.database.transaction import transaction
from warehouse.ducklake.lake import LAKE
from warehouse.load.large import load_in_steps
from warehouse.load.loader import Loaded, load_within, unloaded
from warehouse.maintenance.losses import ledger_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from warehouse.maintenance.derivation import Derivation
    from warehouse.maintenance.losses import LossGuard

BESIDE: Final = f"{LAKE}.rebuild"


def rebuild_lake(con: duckdb.DuckDBPyConnection, work: Derivation, guard: LossGuard) -> Loaded:
    """Derive the lake again. Others may collect, load and read meanwhile; readers see the old tables, then the new.

    Args:
        con: attached to the lake for writing; its tables may be of any version, or absent.
        work: what a rebuild needs.
        guard: decides whether rows may be lost.

    Raises:
        LossError: when the new tables would lack segments of the ledger; the old tables stay.
        WarehouseLockedError: when another rebuild is running, or the lock to write was not obtained in time.
        ArchiveError: when the archive cannot be read.
    """
    with built_beside(con, work) as total:
        total.add(serialized(con, lambda: _take_its_place(con, work, guard)))
        return total


@contextlib.contextmanager
def built_beside(con: duckdb.DuckDBPyConnection, work: Derivation) -> Iterator[Loaded]:
    """The tables derived from the archive in the schema `BESIDE`, until the block ends; one process at a time.

    Raises:
        WarehouseLockedError: when another process uses the schema, or the lock to write was not obtained in time.
    """
    with write_lock(con, "rebuild"):
        _drop_beside(con)
        try:
            serialized(con, lambda: _create_beside(con))
            yield _load_all(con, work)
        finally:
            _drop_beside(con)


def _create_beside(con: duckdb.DuckDBPyConnection) -> None:
    """Create every table, view and macro: DuckDB would look up a missing one in `main` instead."""
    with transaction(con):
        con.execute(f"create schema {BESIDE}; use {BESIDE}")
        catalog.recreate_all(con)


def _load_all(con: duckdb.DuckDBPyConnection, work: Derivation) -> Loaded:
    segments = unloaded(con, work.store)
    total = Loaded()
    for done in load_in_steps(con, segments, work.analysis, work.policy, budget=work.budget):
        total.add(done)
        work.on_progress(total.segments + len(total.damaged), len(segments))
    total.damaged.clear()  # they are tried again, and named, at the end
    return total


def _take_its_place(con: duckdb.DuckDBPyConnection, work: Derivation, guard: LossGuard) -> Loaded:
    """Load what arrived meanwhile, and replace the rows of the tables by the new ones; no other process writes now."""
    try:
        with transaction(con):
            con.execute(f"use {BESIDE}")
            rest = load_within(con, unloaded(con, work.store), work.analysis, work.policy)
            con.execute(f"use {LAKE}")
            guard.check(ledger_of(con, "the lake"), rest.damaged)
            catalog.recreate_all(con)
            catalog.copy_rows(con, BESIDE)
    finally:
        con.execute(f"use {LAKE}")
    return rest


def _drop_beside(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"use {LAKE}")
    serialized(con, lambda: con.execute(f"drop schema if exists {BESIDE} cascade"))
