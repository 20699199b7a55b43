"""Answers about another task than was polled: which are proven to be so, and what that leaves of a task.

A proxy that mixes answers up makes the end of one task that of another. Another id alone is no proof, for gateways may
have ids of their own: what is, `competing_answers` says. It is decided from the set of answers and ids, so that any
order of loading gives the same tables: what comes later may prove that what is in `tasks` is about another task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from transforms.schema import TASKS
from warehouse.database.schema import statement

if TYPE_CHECKING:
    import duckdb

    from warehouse.policy import PollingPolicy

#: What `tasks` is to say of tasks that were answered under other ids, whatever it says now. `is_recounted`: whether
#: `pending`, and when the task was seen, have to be counted again.
RESOLVED: Final = pl.Schema({**TASKS, "identity_conflict": pl.Boolean(), "is_recounted": pl.Boolean()})


def accept_other_ids(con: duckdb.DuckDBPyConnection, policy: PollingPolicy) -> list[tuple[str]]:
    """The sources whose gateways answer under ids of their own, as rows of `other_ids_accepted`."""
    parameters = {
        "configured": [one.source for one in policy.of_sources],
        "accepting": [one.source for one in policy.of_sources if one.accept_other_ids],
    }
    return con.execute(statement("load/other_ids_accepted"), parameters).fetchall()


def resolve(con: duckdb.DuckDBPyConnection, *, everything: bool = False) -> pl.DataFrame:
    """Bring `competing_answers` up to date; returns rows of `RESOLVED`, one per task it concerns.

    The load has registered `new_best` (its best answers, per task and whether they came under the id polled),
    `new_observations`, which are in `observations` already, and `new_requests`.

    Args:
        con: the connection, within the load's transaction.
        everything: judge all answers again, not only by what this load brings.
    """
    if not _has_other_ids(con):
        return pl.DataFrame(schema=RESOLVED)
    con.execute(statement("load/evidence"), {"everything": everything})
    for step in ("conflicts", "competing"):
        con.execute(statement(f"load/{step}"))
    resolved = con.execute(statement("load/resolved")).pl().select(RESOLVED.names()).cast(RESOLVED)
    con.execute(statement("load/undisputed"))
    return resolved


def best_answers(tasks: pl.DataFrame, precedence: tuple[str, ...]) -> pl.DataFrame:
    """The winning answer about each task under its own id, and the winning one under other ids."""
    ranked = tasks.with_columns(is_own=pl.col("answered_id").is_null()).sort(precedence)
    return ranked.unique(("source", "task_id", "is_own"), keep="last", maintain_order=True).drop("is_own")


def with_resolved(best: pl.DataFrame, resolved: pl.DataFrame) -> pl.DataFrame:
    """One row per task to merge into `tasks`: what `resolved` says of it, else its winning answer."""
    plain = best.filter(pl.col("answered_id").is_null()).join(resolved, on=("source", "task_id"), how="anti")
    return pl.concat(
        [
            plain.with_columns(identity_conflict=pl.lit(value=False), is_resolved=pl.lit(value=False)),
            resolved.drop("is_recounted").with_columns(is_resolved=pl.lit(value=True)),
        ]
    )


def _has_other_ids(con: duckdb.DuckDBPyConnection) -> bool:
    row = con.execute(statement("load/has_other_ids")).fetchone()
    return bool(row and row[0])
