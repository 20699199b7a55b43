"""The published copy of a warehouse file, opened read-only: readers and writers never block each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.database.session import SETTINGS, first_line, in_memory, quoted, set_up
from warehouse.errors import NothingPublishedError, WarehouseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from warehouse.paths import DataPaths

_ATTEMPTS: Final = 10


def open_published(paths: DataPaths) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the newest published copy, even if this process has an older one open.

    If a process opens a path again, DuckDB returns the database that is already open under that path, even if the file
    has been replaced since (duckdb issue 15912). So each copy is opened by its unique name, if it has one.

    Raises:
        NothingPublishedError: when nothing has been published yet.
        WarehouseError: when the published copy cannot be opened.
    """
    return _open_newest(paths, lambda version: duckdb.connect(version, read_only=True, config=SETTINGS))


def open_beside_published(paths: DataPaths) -> duckdb.DuckDBPyConnection:
    """A new database in memory, with the newest published copy attached as `published`, read-only.

    For readers that create their own views beside those of the warehouse; these end with the connection.

    Raises:
        NothingPublishedError, WarehouseError: as `open_published`.
    """
    return _open_newest(paths, _attached)


def published_copy(con: duckdb.DuckDBPyConnection) -> str | None:
    """A text that differs for every published copy that `open_beside_published` attaches; None if it is a lake."""
    row = con.execute(
        "select path from duckdb_databases() where database_name = 'published' and type = 'duckdb'"
    ).fetchone()
    if row is None or row[0] is None:
        return None
    try:
        file = Path(row[0]).stat()
    except FileNotFoundError:  # a newer copy has replaced it
        return None
    return f"{row[0]} {file.st_ino} {file.st_mtime_ns} {file.st_size}"


def _attached(version: Path) -> duckdb.DuckDBPyConnection:
    con = in_memory()
    try:
        con.execute(f"attach {quoted(version)} as published (read_only)")
    except duckdb.Error:
        con.close()
        raise
    return con


def _open_newest(
    paths: DataPaths, open_version: Callable[[Path], duckdb.DuckDBPyConnection]
) -> duckdb.DuckDBPyConnection:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            version = paths.published_version()
            con = open_version(version)
        except FileNotFoundError:
            raise nothing_published(paths) from None
        except duckdb.Error as error:
            if attempt < _ATTEMPTS and not version.exists():
                continue  # a newer copy has replaced it meanwhile
            msg = f"{paths.published} cannot be opened ({first_line(error)}): run `avatar-tasks publish`"
            raise WarehouseError(msg) from error
        set_up(con)
        return con
    raise AssertionError


def nothing_published(paths: DataPaths) -> NothingPublishedError:
    """The error that there is no published copy yet."""
    return NothingPublishedError(
        f"nothing is published at {paths.published} yet: run `avatar-tasks collect` (or `avatar-tasks demo`) first"
    )
