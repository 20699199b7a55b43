"""DuckDB's extensions: from Python packages if these are installed, else from DuckDB's own repository."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from warehouse.database.session import first_line, quoted
from warehouse.errors import ExtensionMissingError

if TYPE_CHECKING:
    from collections.abc import Iterable


def load_extensions(con: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """Load extensions into a connection's database. Those in packages are loaded from there, without a download.

    Raises:
        ExtensionMissingError: when one is neither installed as a package nor available from DuckDB's repository.
    """
    for name in names:
        packaged = _packaged(name)
        try:
            if packaged:
                con.execute(f"load {quoted(packaged)}")
            else:
                con.execute(f"install {name}; load {name}")
        except duckdb.Error as error:
            msg = (
                f"DuckDB's extension {name} is missing: run `make setup` in the project's folder, or let "
                f"this machine reach DuckDB's repository of extensions ({first_line(error)})"
            )
            raise ExtensionMissingError(msg) from error


def _packaged(name: str) -> Path | None:
    """The file of an extension that is installed as a package, for exactly this version of DuckDB."""
    found = importlib.util.find_spec(f"duckdb_extension_{name}")
    for folder in (found.submodule_search_locations or ()) if found else ():
        file = Path(folder) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
        if file.exists():
            return file
    return None
