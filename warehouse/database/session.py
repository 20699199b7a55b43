"""What every connection to DuckDB has in force: settings, times in UTC, and on request every table and view."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb

from warehouse.database import schema as catalog

_Settings = dict[str, str | bool | int | float | list[str]]

SETTINGS: Final[_Settings] = {
    "autoinstall_known_extensions": "false",
    "preserve_insertion_order": "false",
}

#: DuckDB would take four fifths of the machine's memory; what does not fit goes to the disk beside the warehouse. It
#: needs 125 MB a thread, and one is enough beside the requests. With two, collecting 200,000 ids took a fourth more
#: than 20,000: a full row group takes more to bring into the file than a half-empty one.
WRITER_SETTINGS: Final[_Settings] = SETTINGS | {"memory_limit": "128MB", "threads": 1}


def set_up(con: duckdb.DuckDBPyConnection) -> None:
    """Times in UTC, and no progress bar: DuckDB draws it on stdout, in the middle of somebody's JSON."""
    con.execute("set timezone = 'UTC'")
    con.execute("set enable_progress_bar = false")


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Every table, view and macro in place, times in UTC.

    Raises:
        WarehouseOutdatedError: when there is a table of another version.
    """
    set_up(con)
    catalog.bring_up_to_date(con)


def in_memory(settings: _Settings | None = None) -> duckdb.DuckDBPyConnection:
    """A connection to an empty database in memory, with `SETTINGS` if no others are given; the caller closes it."""
    con = duckdb.connect(":memory:", config=settings or SETTINGS)
    set_up(con)
    return con


def temporary_folder(con: duckdb.DuckDBPyConnection) -> Path | None:
    """The folder beside a database file for what memory does not hold; None of a database in memory.

    It goes when the connection is closed, or when the file is opened again after a process was killed.
    """
    row = con.execute("select current_setting('temp_directory')").fetchone()
    return Path(row[0]) if row and Path(row[0] or "").is_absolute() else None


def quoted(text: object) -> str:
    """A string literal, for statements such as ATTACH that take no parameter."""
    return "'" + str(text).replace("'", "''") + "'"


def first_line(error: Exception) -> str:
    """What DuckDB says in one line, without the mark at its end: sentences go on. The rest quotes the statement."""
    return str(error).splitlines()[0].rstrip(".!")
