"""A warehouse of any size, filled directly: see `fill.sql`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.database.writer import open_writer
from warehouse.policy import PollingPolicy

if TYPE_CHECKING:
    from warehouse.paths import DataPaths

_FILL: Final = Path(__file__).with_name("fill.sql")


def fill(paths: DataPaths, tasks: int, *, is_exact: bool = True) -> None:
    """Create a warehouse with `tasks` tasks; with `is_exact`, times have milliseconds, so that hardly any are equal."""
    values = {"tasks": tasks, "is_exact": is_exact}
    with open_writer(paths.warehouse, wait_seconds=5) as con:
        con.execute("set memory_limit = '5GB'")
        for statement in duckdb.extract_statements(_FILL.read_text(encoding="utf-8")):
            con.execute(statement, {name: values[name] for name in statement.named_parameters})
        con.execute("insert into polling_policy values (?, ?, ?, ?, ?, ?)", PollingPolicy().row())
        con.execute("checkpoint")
