"""`status`: what is known, from the published copy, the archive and the lock or the turn; it disturbs nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.collect.other_ids import in_conflict, missing_storms
from warehouse.archive.segments import SCHEMAS, Archive
from warehouse.database.connection import reader, who_holds
from warehouse.database.schema import statement
from warehouse.ducklake.lake import who_loads
from warehouse.load.loader import unloaded

if TYPE_CHECKING:
    from warehouse.paths import DataPaths


def facts(paths: DataPaths) -> dict[str, Any]:
    """What is known, as a JSON object.

    Raises:
        NothingPublishedError: when nothing has been published yet.
    """
    store = Archive(paths.archive)
    with reader(paths) as con:
        statuses = dict(con.execute(statement("queries/statuses")).fetchall())
        counts = con.execute(statement("queries/counts")).pl().row(0, named=True)
        conflicts = con.execute(statement("queries/identity_conflicts")).fetchall()
        storms = missing_storms(con, datetime.now(UTC))
        missing = len(unloaded(con, store))
        holder = who_loads(con) if paths.lake else who_holds(paths.warehouse)
    return {
        "tasks_by_status": statuses,
        "ids": counts,
        "archive": {
            "segments": sum(len(store.segments(kind)) for kind in SCHEMAS),
            "segments_not_loaded": missing,
        },
        **({"identity_conflicts": {source: in_conflict(*found) for source, *found in conflicts}} if conflicts else {}),
        **({"unknown_to_the_gateway": storms} if storms else {}),
        "warehouse_held_by": holder or "nobody",
    }
