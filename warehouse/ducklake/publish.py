"""Copy a lake to a DuckDB file, for readers that cannot reach the lake."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from warehouse.database import schema as catalog
from warehouse.database.publish import put_in_place
from warehouse.database.session import prepare, quoted
from warehouse.database.transaction import transaction
from warehouse.ducklake.lake import LAKE

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from warehouse.paths import DataPaths


def publish_lake(con: duckdb.DuckDBPyConnection, paths: DataPaths) -> None:
    """Publish the content of a lake as of one moment, with the same views and all comments.

    Raises:
        WarehouseError: see `publish.put_in_place`.
    """
    put_in_place(paths, lambda target: _fill(con, target))


def _fill(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    made = target.with_name(f"{target.name}.made")  # DuckDB cannot make a database of an empty file that exists
    try:
        con.execute(f"attach {quoted(made)} as copied; use copied")
        prepare(con)
        with transaction(con):
            catalog.copy_rows(con, f"{LAKE}.main")
        con.execute(f"use {LAKE}; detach copied")
        shutil.copyfile(made, target)
    finally:
        con.execute(f"use {LAKE}; detach database if exists copied")
        made.unlink(missing_ok=True)
