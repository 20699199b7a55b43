"""A connection for queries that others wrote: it reads the warehouse and nothing else, by DuckDB's own settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.database.session import quoted
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A lake's own folder has to be readable, and DuckDB has no setting for reading alone: what writes is refused by kind.
_WRITING: Final = ("COPY", "EXPORT", "CALL")

_SETTINGS: Final = (
    "set python_enable_replacements = false",  # a variable of ours is no table of theirs
    "set enable_external_access = false",
    "set lock_configuration = true",
)

_LOCKED: Final = "the configuration has been locked"
_FILE_AS_TABLE: Final = re.compile(r"Table with name (\S*[/.]\S*) does not exist")


class FilesRefusedError(WarehouseError):
    """A query wants more than the warehouse: a file, another database, an extension, or a setting."""


def seal(con: duckdb.DuckDBPyConnection, writable: Sequence[str], folders: Sequence[str] = ()) -> None:
    """Take from a connection everything but its database, for good.

    Args:
        con: as `Warehouse.connect` gives it.
        writable: paths that stay open to it, such as the pipe its result goes through.
        folders: what stays open to it with all that is in it: a lake's data files.
    """
    if folders:
        con.execute(f"set allowed_directories = {_listed(folders)}")
    con.execute(f"set allowed_paths = {_listed(writable)}")
    for setting in _SETTINGS:
        con.execute(setting)


def check_statements(query: str) -> None:
    """Refuse what would write into a lake's folder, which DuckDB's settings leave open.

    Raises:
        FilesRefusedError: for a statement that writes.
        duckdb.Error: when it is no SQL.
    """
    for statement in duckdb.extract_statements(query):
        if statement.type.name in _WRITING:
            raise _refused(f"{statement.type.name.lower()} statements may write")


def refusal(error: duckdb.Error) -> FilesRefusedError | None:
    """The error that names the way out, where the settings of `seal` are why a query failed; else None."""
    words = str(error).splitlines()[0]
    if isinstance(error, duckdb.PermissionException) or _LOCKED in words:
        return _refused(words.partition(": ")[2] or words)
    if isinstance(error, duckdb.CatalogException) and (named := _FILE_AS_TABLE.search(words)):
        return _refused(f"there is no table {named[1]}, and files are not read")
    return None


def _refused(why: str) -> FilesRefusedError:
    return FilesRefusedError(
        f"the query wants more than the warehouse ({why}): with --allow-files it may read and write files as you may, "
        "attach databases, load extensions and change settings. Results go into a file with --out FILE"
    )


def _listed(paths: Sequence[str]) -> str:
    """SET takes no parameter."""
    return "[" + ", ".join(map(quoted, paths)) + "]"
