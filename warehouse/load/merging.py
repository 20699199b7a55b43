"""What `tasks` and the tables beside it say of a task, brought up to date with what a load brings."""

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
    """Let every answer under another id be judged again, as the rules for it have changed."""
    nothing = {"new_observations": pl.DataFrame(schema=OBSERVATIONS), "new_requests": NO_REQUESTS}
    with registered(con, **nothing):
        merge(con, pl.DataFrame(schema=TASKS), ("tasks", "pending"), everything=True)


def merge(
    con: duckdb.DuckDBPyConnection, tasks: pl.DataFrame, steps: Sequence[str], *, everything: bool = False
) -> None:
    """Bring up to date what tables say of the tasks that a load is about, and of those it puts in doubt."""
    best = identity.best_answers(tasks, PRECEDENCE)
    with registered(con, new_best=best):
        resolved = identity.resolve(con, everything=everything)
    with registered(con, new_tasks=identity.with_resolved(best, resolved), resolved=resolved):
        con.execute(statement("load/affected"))
        if resolved["is_recounted"].any():
            con.execute(statement("load/recount"))
        for step in steps:
            con.execute(statement(f"load/{step}"))
