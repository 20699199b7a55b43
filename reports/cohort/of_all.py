"""Views over all tasks that every cohort reads, evaluated once for each published copy.

They depend neither on the filters nor on `now()`. The notebook and `serve` open a connection for every choice of
filters, so this process keeps the rows for the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warehouse.database.reader import published_copy

if TYPE_CHECKING:
    import duckdb
    import polars as pl

#: Views with more rows are evaluated every time: `failure_chance` has one per task in flight.
_MOST_ROWS: Final = 200_000

_kept: dict[tuple[str, str], pl.DataFrame] = {}


def add_table(con: duckdb.DuckDBPyConnection, table: str, view: str) -> None:
    """Create `table` with the rows of a view of the warehouse over all tasks."""
    copy = published_copy(con)
    rows = None if copy is None else _kept.get((copy, view))
    if rows is not None:
        con.register("rows_of_all", rows)
        con.execute(f"create table {table} as from rows_of_all")
        con.unregister("rows_of_all")
        return
    con.execute(f"create table {table} as from published.{view}")
    keep(con, table, view)


def keep(con: duckdb.DuckDBPyConnection, table: str, view: str) -> None:
    """Keep the rows of a view over all tasks, which are in `table`, and forget those of other copies."""
    copy = published_copy(con)
    if copy is None:
        return
    rows = con.sql(f"from {table} limit {_MOST_ROWS + 1}").pl()
    if rows.height <= _MOST_ROWS:
        for other in list(_kept):  # a list, because `serve` renders pages in several threads
            if other[0] != copy:
                _kept.pop(other, None)
        _kept[copy, view] = rows
