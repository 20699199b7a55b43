"""A connection for queries that users wrote: DuckDB's own settings restrict it to reading the warehouse."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.database.session import quoted
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: DuckDB has no setting to make a lake's folder readable but not writable, so statements of these kinds are refused.
_WRITING: Final = ("COPY", "EXPORT", "CALL")

_SETTINGS: Final = (
    "set python_enable_replacements = false",  # a query must not read our Python variables as tables
    "set enable_external_access = false",
    "set lock_configuration = true",
)

_LOCKED: Final = "the configuration has been locked"
_FILE_AS_TABLE: Final = re.compile(r"Table with name (\S*[/.]\S*) does not exist")


class FilesRefusedError(WarehouseError):
    """A query uses more than the warehouse: a file, another database, an extension, or a setting."""


def seal(con: duckdb.DuckDBPyConnection, writable: Sequence[str], folders: Sequence[str] = ()) -> None:
    """Restrict a connection to its database; this cannot be undone.

    Args:
        con: a connection of `Warehouse.connect`.
        writable: paths that it may still use, such as the pipe for its result.
        folders: folders that it may still use with all files in them: a lake's data files.
    """
    if folders:
        con.execute(f"set allowed_directories = {_listed(folders)}")
    con.execute(f"set allowed_paths = {_listed(writable)}")
    for setting in _SETTINGS:
        con.execute(setting)


def check_statements(query: str) -> None:
    """Refuse statements that could write into a lake's folder, which DuckDB's settings still allow.

    Raises:
        FilesRefusedError: for a statement that could write.
        duckdb.Error: when it is not valid SQL.
    """
    for statement in duckdb.extract_statements(query):
        if statement.type.name in _WRITING:
            raise _refused(f"{statement.type.name.lower()} statements may write")


def refusal(error: duckdb.Error) -> FilesRefusedError | None:
    """The error that says what to do, if a query failed because of the settings of `seal`; else None."""
    words = str(error).splitlines()[0]
    if isinstance(error, duckdb.PermissionException) or _LOCKED in words:
        return _refused(words.partition(": ")[2] or words)
    if isinstance(error, duckdb.CatalogException) and (named := _FILE_AS_TABLE.search(words)):
        return _refused(f"there is no table {named[1]}, and files are not read")
    return None


def _refused(why: str) -> FilesRefusedError:
    return FilesRefusedError(
        f"the query uses more than the warehouse ({why}). Allow it with --allow-files: then it may read and write all "
        "files that you may, attach databases, load extensions and change settings. To write a result, use --out FILE"
    )


def _listed(paths: Sequence[str]) -> str:
    """A list of string literals, because SET takes no parameters."""
    return "[" + ", ".join(map(quoted, paths)) + "]"
