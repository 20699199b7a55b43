"""Tables as plain rows, to be compared with what a simulated world knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

DERIVED = (
    "tasks",
    "works",
    "pt_infos",
    "observations",
    "quarantine",
    "schema_drift",
    "requests",
    "pending",
)


def rows(database: Path, table: str, columns: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """All rows of a table, in a fixed order, as dicts of the columns named (or all)."""
    with duckdb.connect(database, read_only=True) as con:
        con.execute("set timezone = 'UTC'")
        chosen = ", ".join(f'"{name}"' for name in columns) if columns else "*"
        return con.execute(f"select {chosen} from {table} order by all").pl().to_dicts()  # noqa: S608 - names of ours


def contents(database: Path) -> dict[str, list[dict[str, Any]]]:
    """Every derived table whole."""
    return {table: rows(database, table) for table in DERIVED}


def ordered(expected: Iterable[Mapping[str, Any]], key: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows in the order of `key`."""
    return sorted((dict(row) for row in expected), key=lambda row: tuple(row[name] for name in key))
