"""Merge the rows of a load into `tasks` and the tables that depend on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from transforms.schema import OBSERVATIONS, PRECEDENCE, REQUESTS, TASKS
from warehouse.database.schema import statement
from warehouse.load import identity
from warehouse.load.registered import registered

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

NO_REQUESTS: Final = pl.DataFrame(schema=REQUESTS)


def merge_requests(con: duckdb.DuckDBPyConnection, requests: pl.DataFrame) -> None:
    if requests.height:
        with registered(con, new_requests=requests, new_observations=pl.DataFrame(schema=OBSERVATIONS)):
            merge(con, pl.DataFrame(schema=TASKS), ("tasks", "pending"))


def judge_again(con: duckdb.DuckDBPyConnection) -> None:
    """Judge every answer under another id again, because the sources that accept such ids have changed."""
    nothing = {"new_observations": pl.DataFrame(schema=OBSERVATIONS), "new_requests": NO_REQUESTS}
    with registered(con, **nothing):
        merge(con, pl.DataFrame(schema=TASKS), ("tasks", "pending"), everything=True)


def merge(
    con: duckdb.DuckDBPyConnection, tasks: pl.DataFrame, steps: Sequence[str], *, everything: bool = False
) -> None:
    """Update the tables for the tasks that a load is about, and for those that its answers put in doubt."""
    best = identity.best_answers(tasks, PRECEDENCE)
    with registered(con, new_best=best):
        resolved = identity.resolve(con, everything=everything)
    with registered(con, new_tasks=identity.with_resolved(best, resolved), resolved=resolved):
        con.execute(statement("load/affected"))
        if resolved["is_recounted"].any():
            con.execute(statement("load/recount"))
        for step in steps:
            con.execute(statement(f"load/{step}"))
