"""The one place that chooses between a file and a lake."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from warehouse.backends.file import FileWarehouse
from warehouse.backends.lake import LakeWarehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from warehouse.backends.interface import Warehouse
    from warehouse.paths import DataPaths


def warehouse_of(paths: DataPaths) -> Warehouse:
    """The warehouse of a data directory; nothing is opened or created by it."""
    return LakeWarehouse(paths, paths.lake) if paths.lake else FileWarehouse(paths)


@contextlib.contextmanager
def reader(paths: DataPaths) -> Iterator[duckdb.DuckDBPyConnection]:
    """What readers open, read-only, until the block ends.

    Raises:
        NothingPublishedError, WarehouseError: see `Warehouse.connect`.
    """
    with contextlib.closing(warehouse_of(paths).connect()) as con:
        yield con
