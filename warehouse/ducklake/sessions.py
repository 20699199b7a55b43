"""Connections to a lake, to read and to write; any number of both at once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from warehouse.database.advisory_lock import wait_at_most
from warehouse.database.schema import definitions, in_order
from warehouse.database.session import in_memory, prepare
from warehouse.ducklake.lake import LAKE, attach

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from warehouse.ducklake.lake import Lake


def open_lake(lake: Lake) -> duckdb.DuckDBPyConnection:
    """A read-only connection to a lake; each query sees what is loaded when it begins.

    Raises:
        NothingPublishedError: when there is no lake yet.
        LakeError, ExtensionMissingError: when it cannot be reached.
    """
    con = in_memory()
    try:
        attach(con, lake, read_only=True)
    except BaseException:
        con.close()
        raise
    return con


def open_beside_lake(lake: Lake) -> duckdb.DuckDBPyConnection:
    """A new database in memory, with the lake's tables as `published`, and this version's views over them.

    Raises:
        NothingPublishedError, LakeError, ExtensionMissingError: as `open_lake`.
    """
    con = open_lake(lake)
    con.execute("attach ':memory:' as published; use published")
    for table in definitions("tables"):
        con.execute(f"create view {table.name} as from {LAKE}.main.{table.name}")
    for view in in_order(definitions("marts")):
        con.execute(view.sql)
    con.execute("use memory")
    return con


@contextlib.contextmanager
def lake_writer(lake: Lake, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that may write to a lake, with every table and view in place; there may be any number of them.

    Raises:
        WarehouseLockedError: when the lock to write is not obtained within `wait_seconds`.
        LakeError, ExtensionMissingError: when the lake cannot be reached.
    """
    with lake_connection(lake, wait_seconds) as con:
        prepare(con)
        yield con


@contextlib.contextmanager
def lake_connection(lake: Lake, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """As `lake_writer`, but leaves tables and views as they are, which may be those of another version."""
    with contextlib.closing(in_memory()) as con:
        wait_at_most(con, wait_seconds)
        attach(con, lake, read_only=False)
        yield con
