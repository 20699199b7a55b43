"""The one place that chooses between a file and a lake."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import duckdb

from warehouse.backends.file import FileWarehouse
from warehouse.backends.lake import LakeWarehouse
from warehouse.database.session import first_line
from warehouse.errors import WarehouseOutdatedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warehouse.backends.interface import Warehouse
    from warehouse.paths import DataPaths


def warehouse_of(paths: DataPaths) -> Warehouse:
    """The warehouse of a data directory; opens and creates nothing."""
    return LakeWarehouse(paths, paths.lake) if paths.lake else FileWarehouse(paths)


@contextlib.contextmanager
def reader(paths: DataPaths) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to what readers see, closed when the block ends.

    Raises:
        NothingPublishedError, WarehouseError: see `Warehouse.connect`.
        WarehouseOutdatedError: when the block uses a table, view or column that the version that made it did not have.
    """
    warehouse = warehouse_of(paths)
    with contextlib.closing(warehouse.connect()) as con:
        try:
            yield con
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            msg = (
                f"{warehouse.published or warehouse.place} was made by another version of avatar-tasks "
                f"({first_line(error)}): run `avatar-tasks publish`, and if that says so `avatar-tasks rebuild`"
            )
            raise WarehouseOutdatedError(msg) from error
