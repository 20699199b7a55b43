"""Find ids that were accepted before: those in the warehouse, and those archived and not loaded yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from warehouse.archive.parquet import read
from warehouse.archive.segments import Archive
from warehouse.backends.choose import reader
from warehouse.database.schema import statement
from warehouse.errors import NothingPublishedError
from warehouse.load.loader import unloaded

if TYPE_CHECKING:
    from collections.abc import Collection

    from warehouse.archive.parquet import Segment
    from warehouse.paths import DataPaths


def known_ids(paths: DataPaths, source: str, ids: Collection[str]) -> set[str]:
    """Those of `ids` that are in the warehouse for this source, or archived for it.

    Raises:
        ArchiveError, WarehouseError: when archive or warehouse cannot be read.
    """
    store = Archive(paths.storage)
    try:
        with reader(paths) as con:
            asked = {"source": source, "ids": list(ids)}
            found = {task_id for (task_id,) in con.execute(statement("queries/known_ids"), asked).fetchall()}
            waiting = unloaded(con, store)
    except NothingPublishedError:
        found, waiting = set(), store.segments("requests")
    return found | _accepted_in(waiting, source, set(ids) - found)


def _accepted_in(segments: Collection[Segment], source: str, ids: set[str]) -> set[str]:
    found: set[str] = set()
    for segment in segments:
        if segment.kind == "requests" and ids - found:
            rows = read(segment).filter(pl.col("source") == source, pl.col("task_id").is_in(list(ids)))
            found.update(rows["task_id"])
    return found
