"""What all connections to DuckDB have in common: settings, times in UTC, and on request every table and view."""

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

#: By default DuckDB would use four fifths of the machine's memory; what does not fit goes to the disk beside the
#: warehouse. It needs 125 MB per thread, and one is enough while requests are sent. With two, collecting 200,000 ids
#: took a quarter more memory than 20,000: writing a full row group into the file takes more than a half-empty one.
#:
#: Each checkpoint compresses the last rows of every table again. By default DuckDB makes one when its log has 16 MB,
#: which is after each transaction of a load. With 256 MB, loading 400,000 answers took 38 s of CPU instead of 60, with
#: as much memory, a file smaller by a third, and 200 MB of temporary files. Closing the file is always a checkpoint.
WRITER_SETTINGS: Final[_Settings] = SETTINGS | {
    "memory_limit": "128MB",
    "threads": 1,
    "checkpoint_threshold": "256MB",
}


def set_up(con: duckdb.DuckDBPyConnection) -> None:
    """Set times to UTC, and turn off the progress bar, which DuckDB would draw on stdout, in the middle of JSON."""
    con.execute("set timezone = 'UTC'")
    con.execute("set enable_progress_bar = false")


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Bring every table, view and macro up to date, and set times to UTC.

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
    """The folder beside a database file for data that does not fit in memory; None for a database in memory.

    It is removed when the connection is closed, or when the file is opened again after a process was killed.
    """
    row = con.execute("select current_setting('temp_directory')").fetchone()
    return Path(row[0]) if row and Path(row[0] or "").is_absolute() else None


def quoted(text: object) -> str:
    """A string literal, for statements such as ATTACH that take no parameter."""
    return "'" + str(text).replace("'", "''") + "'"


def first_line(error: Exception) -> str:
    """The first line of DuckDB's message, without a full stop, to go into a sentence. The rest quotes the statement."""
    return str(error).splitlines()[0].rstrip(".!")
