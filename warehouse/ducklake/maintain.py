"""Maintenance of a lake: few and large files, no old snapshots, and a check that it can be rebuilt.

The archive is not changed: it is not known here whether a process on another machine reads or writes its segments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warehouse.archive.parquet import SCHEMAS
from warehouse.database.advisory_lock import serialized
from warehouse.database.schema import statement
from warehouse.database.transaction import transaction
from warehouse.ducklake.lake import LAKE
from warehouse.ducklake.rebuild import BESIDE, built_beside
from warehouse.load.large import load_in_steps
from warehouse.load.loader import load_within, unloaded
from warehouse.maintenance.findings import Difference, Maintained, fingerprints, size

if TYPE_CHECKING:
    import duckdb

    from warehouse.maintenance.derivation import Derivation

#: A reader may keep reading a snapshot for this long.
_KEPT: Final = "interval '1 day'"

_TIDY: Final = (
    f"call ducklake_merge_adjacent_files('{LAKE}')",
    f"call ducklake_rewrite_data_files('{LAKE}')",
    f"call ducklake_expire_snapshots('{LAKE}', older_than => now() - {_KEPT})",
    f"call ducklake_cleanup_old_files('{LAKE}', older_than => now() - {_KEPT})",
    f"call ducklake_delete_orphaned_files('{LAKE}', older_than => now() - {_KEPT})",
)


def maintain_lake(con: duckdb.DuckDBPyConnection, work: Derivation) -> Maintained:
    """Load what is archived, derive the tables again beside the lake and compare, then let DuckLake merge its files.

    Collecting, loading and reading may continue meanwhile.

    Raises:
        WarehouseLockedError: when a rebuild or another maintenance is running.
        ArchiveError: when the archive cannot be read.
    """
    done = Maintained(size(work.store))
    for _ in load_in_steps(con, unloaded(con, work.store), work.analysis, work.policy, budget=work.budget):
        pass
    ledger = {segment_id for (segment_id,) in con.execute("select segment_id from segments").fetchall()}
    done.lost = sorted(ledger - {one.segment_id for kind in SCHEMAS for one in work.store.segments(kind)})
    with built_beside(con, work):
        serialized(con, lambda: _compare(con, work, done))
    for step in _TIDY:
        serialized(con, lambda step=step: con.execute(step).fetchall())  # type: ignore[misc]
    done.after = size(work.store)
    return done


def _compare(con: duckdb.DuckDBPyConnection, work: Derivation, done: Maintained) -> None:
    """Compare the lake and the rebuilt tables, both from the same segments; no other process writes now."""
    found = []
    known: set[str] = set()  # without segments that a run has just archived
    try:
        with transaction(con):
            for place in (LAKE, BESIDE):
                con.execute(f"use {place}")
                segments = [one for one in unloaded(con, work.store) if place == LAKE or one.segment_id in known]
                loaded = load_within(con, segments, work.analysis, work.policy)
                found.append(fingerprints(con))
                known = {segment_id for (segment_id,) in con.execute("select segment_id from segments").fetchall()}
                known |= {one.segment.segment_id for one in loaded.damaged}
            con.execute(f"use {LAKE}")
            done.broken = dict(con.execute(statement("queries/broken_rules")).fetchall())
    finally:
        con.execute(f"use {LAKE}")
    live, rebuilt = found
    done.damaged = loaded.damaged
    done.differences = [
        Difference(table, live[table][0], rebuilt[table][0]) for table in live if live[table] != rebuilt[table]
    ]
