"""What a warehouse holds, in a form that can be compared."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from warehouse.database import schema as catalog
from warehouse.database.session import SETTINGS, in_memory, prepare, set_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

#: The tables that say which segments and which SQL files there are, not what the gateway said.
BOOKKEEPING = {"segments", "catalog_version"}

DERIVED = tuple(one.name for one in catalog.definitions("tables") if one.name not in BOOKKEEPING)


def contents(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Every row of every derived table, in a fixed order."""
    return {table: sorted(repr(row) for row in rows(con, f"from {table}")) for table in DERIVED}


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """The rows of a query, as dicts."""
    result = con.execute(sql)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def one(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    [row] = rows(con, sql)
    return row


def column(con: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    """The first column of a query."""
    return [row[0] for row in con.execute(sql).fetchall()]


@contextmanager
def emptied(name: str = "some") -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory without a row, used again and again: making the tables takes longer than filling them."""
    con = _in_memory(name)
    for table in (*DERIVED, "segments"):
        con.execute(f"truncate {table}")
    yield con


@contextmanager
def rolled_back() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory without a row, in which nothing is left of what the block does: for tests of views.

    All of them in a process have the same one, one after the other; a load, which is a transaction, takes `emptied`.
    """
    con = _for_views()
    con.execute("begin")
    try:
        yield con
    finally:
        con.execute("rollback")
        set_up(con)


@cache
def _in_memory(_name: str) -> duckdb.DuckDBPyConnection:
    return _prepared()


@cache
def _for_views() -> duckdb.DuckDBPyConnection:
    return _prepared()


def _prepared() -> duckdb.DuckDBPyConnection:
    con = in_memory(SETTINGS | {"threads": 1})  # as those that write; tests take a fifth less of the processors
    prepare(con)
    return con
