"""The warehouse: whether it can be read, agrees with the archive, and is not locked."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import duckdb

from pipeline.check.finding import Finding, error, refusal
from pipeline.sources.file import FILE, listed_sources
from warehouse.analysis import read_analysis
from warehouse.archive.folder_mark import holds_ids
from warehouse.archive.segments import Archive
from warehouse.backends.choose import warehouse_of
from warehouse.database.schema import statement
from warehouse.errors import AnalysisFileError, LossError, NothingPublishedError, WarehouseError
from warehouse.load.loader import unloaded
from warehouse.maintenance.losses import check_nothing_is_lost, ledger_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warehouse.backends.interface import Warehouse
    from warehouse.paths import DataPaths

_AREA: Final = "warehouse"


def table_findings(paths: DataPaths) -> Iterator[Finding]:
    """Findings about analysis.toml and about the published warehouse."""
    try:
        read_analysis(paths.analysis)
    except AnalysisFileError as problem:
        yield refusal(_AREA, "analysis.toml", problem)
    warehouse = warehouse_of(paths)
    try:
        with contextlib.closing(warehouse.connect()) as con:
            yield Finding(_AREA, "WAREHOUSE", "ok", warehouse.place)
            yield from _of_no_gateway(con)
            yield from _against_archive(con, paths, warehouse)
            yield _lock(con, warehouse)
    except NothingPublishedError:
        yield _nothing_published(paths)
    except WarehouseError as problem:
        yield refusal(_AREA, "WAREHOUSE", problem)


def _of_no_gateway(con: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    """Pending ids of sources that are not, or no longer, in sources.toml."""
    listed = {one.name for one in listed_sources()}
    with contextlib.suppress(duckdb.CatalogException, duckdb.BinderException):  # of another version
        for source, ids in con.execute(statement("queries/pending_by_source"), {"now": datetime.now(UTC)}).fetchall():
            if listed and source not in listed:
                text = f"{ids:,} ids of {source} are pending, but {FILE} has no such source: nothing polls them"
                remedy = f"Add a [[source]] of that name to {FILE}, or leave it: its tasks stay in the warehouse"
                yield Finding(_AREA, "sources", "warning", text, remedy)


def _nothing_published(paths: DataPaths) -> Finding:
    if holds_ids(paths):
        text = "nothing is published, although there is an archive"
        return error(_AREA, "WAREHOUSE", text, "`avatar-tasks load` loads and publishes it")
    return Finding(_AREA, "WAREHOUSE", "info", "nothing is published yet")


def _against_archive(con: duckdb.DuckDBPyConnection, paths: DataPaths, warehouse: Warehouse) -> Iterator[Finding]:
    """Whether everything loaded, according to the ledger, is still in the archive, and all of the archive is loaded."""
    store = Archive(paths.storage)
    try:
        check_nothing_is_lost(ledger_of(con, f"the warehouse {warehouse.place}"), store)
    except LossError as problem:
        remedy = "Mount or restore the archive; `avatar-tasks rebuild --accept-loss` continues without what is missing"
        yield error(_AREA, "archive", str(problem), remedy)
        return
    waiting = len(unloaded(con, store))
    if waiting:
        text = f"{waiting:,} archived segments are not loaded"
        yield Finding(_AREA, "archive", "warning", text, "`avatar-tasks load` loads them, and so does the next collect")
    else:
        yield Finding(_AREA, "archive", "ok", "everything in it is loaded, and everything loaded is in it")


def _lock(con: duckdb.DuckDBPyConnection, warehouse: Warehouse) -> Finding:
    holder = warehouse.lock_holder(con)
    if holder is None:
        return Finding(_AREA, "lock", "ok", "free")
    remedy = "Wait until it has finished, or end that process; meanwhile collecting continues, and only loading waits"
    return Finding(_AREA, "lock", "warning", f"locked by {holder}", remedy)
