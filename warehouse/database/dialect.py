"""Differences between a DuckDB file and a lake that matter to code that executes the same statements on both.

`dialect_of` is the only place that asks a connection which of the two it is. Operations on a whole warehouse are in
`warehouse.backends`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the database in use can do.

    Attributes:
        has_log: DuckDB writes a log beside it, which has to belong to it (see `log_check`).
        has_many_writers: others may write meanwhile, so transactions are serialized (see `advisory_lock`).
        takes_all_comments: it supports comments on macros and on the columns of views, too.
        place: what messages call it; None if they show the path of its file.
    """

    has_log: bool
    has_many_writers: bool
    takes_all_comments: bool
    place: str | None


FILE: Final = Dialect(has_log=True, has_many_writers=False, takes_all_comments=True, place=None)

#: Messages do not show its path: that is a connection string and may contain a password.
LAKE: Final = Dialect(has_log=False, has_many_writers=True, takes_all_comments=False, place="in the lake")


def dialect_of(con: duckdb.DuckDBPyConnection) -> Dialect:
    """The dialect of the database in use."""
    kind = con.execute("select type from duckdb_databases() where database_name = current_database()").fetchone()
    return LAKE if kind is not None and kind[0] == "ducklake" else FILE
