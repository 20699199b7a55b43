"""`status`: what is known from the published warehouse, the archive and the lock; it blocks no other process."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.collect.other_ids import in_conflict, missing_storms
from pipeline.headline import headline
from pipeline.sources.file import listed_sources
from warehouse.archive.parquet import SCHEMAS
from warehouse.archive.segments import Archive
from warehouse.backends.choose import reader, warehouse_of
from warehouse.database.schema import statement
from warehouse.load.loader import unloaded

if TYPE_CHECKING:
    from collections.abc import Collection

    from warehouse.paths import DataPaths


def facts(paths: DataPaths, now: datetime | None = None) -> dict[str, Any]:
    """What is known at `now`, by default the current time, as a JSON object; with `sources` if there are several.

    If there is a sources.toml, `is_listed` says whether it lists the source (see `queries/sources.sql`); tasks of
    other sources are not polled.

    Raises:
        NothingPublishedError: when nothing has been published yet.
    """
    store = Archive(paths.storage)
    warehouse, now = warehouse_of(paths), now or datetime.now(UTC)
    with reader(paths) as con:
        statuses = dict(con.execute(statement("queries/statuses")).fetchall())
        burning = con.execute(statement("queries/objectives"), {"now": now}).fetchall()
        sources = con.execute(statement("queries/sources"), {"now": now}).pl().to_dicts()
        counts = con.execute(statement("queries/counts"), {"now": now}).pl().row(0, named=True)
        conflicts = con.execute(statement("queries/identity_conflicts")).fetchall()
        storms = missing_storms(con, now)
        missing = len(unloaded(con, store))
        holder = warehouse.lock_holder(con)
    listed = {one.name for one in listed_sources()}
    return {
        "all_in_all": dict(headline(paths, now)),
        **({"sources": {one["source"]: _state_of_source(one, listed) for one in sources}} if len(sources) > 1 else {}),
        "tasks_by_status": statuses,
        "ids": counts,
        **({"objectives": dict(burning)} if burning else {}),
        "archive": {
            "segments": sum(len(store.segments(kind)) for kind in SCHEMAS),
            "segments_not_loaded": missing,
        },
        **({"identity_conflicts": {source: in_conflict(*found) for source, *found in conflicts}} if conflicts else {}),
        **({"unknown_to_the_gateway": storms} if storms else {}),
        "warehouse_locked_by": holder or "nobody",
    }


def _state_of_source(found: dict[str, Any], listed: Collection[str]) -> dict[str, Any]:
    name = found["source"]
    rest = {key: value for key, value in found.items() if key != "source"}
    return rest | ({"is_listed": name in listed} if listed else {})
