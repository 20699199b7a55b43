"""Answers about another task than the one polled: which are proven to be, and which answer then counts for a task.

If a proxy mixes answers up, the end of one task may look like that of another. Another id alone is not a proof, because
gateways may use ids of their own; `warehouse/tables/competing_answers.sql` says what is. The decision depends only on
the set of answers and ids, so that any order of loading gives the same tables: a later answer may prove that the row in
`tasks` is about another task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from transforms.schema import TASKS
from warehouse.database.schema import statement

if TYPE_CHECKING:
    import duckdb

    from warehouse.policy import PollingPolicy

#: New rows of `tasks` for tasks that were answered under other ids. `is_recounted`: whether the values in `pending`,
#: and when the task was seen, have to be recomputed.
RESOLVED: Final = pl.Schema({**TASKS, "identity_conflict": pl.Boolean(), "is_recounted": pl.Boolean()})


def accept_other_ids(con: duckdb.DuckDBPyConnection, policy: PollingPolicy) -> list[tuple[str]]:
    """The rows of `other_ids_accepted`: sources whose gateways use ids of their own in answers."""
    parameters = {
        "configured": [one.source for one in policy.of_sources],
        "accepting": [one.source for one in policy.of_sources if one.accept_other_ids],
    }
    return con.execute(statement("load/other_ids_accepted"), parameters).fetchall()


def begin(con: duckdb.DuckDBPyConnection) -> None:
    """Prepare for `resolve`, at the beginning of a load's transaction."""
    con.execute(statement("load/other_ids_seen"))


def end(con: duckdb.DuckDBPyConnection) -> None:
    """Remove what `begin` created."""
    con.execute("drop table other_ids_seen")


def resolve(con: duckdb.DuckDBPyConnection, *, everything: bool = False) -> pl.DataFrame:
    """Bring `competing_answers` up to date; returns rows of `RESOLVED`, one per disputed task.

    The caller has registered `new_best` (its best answers, one per task under the id polled and one under others),
    `new_observations`, which are in `observations` already, and `new_requests`.

    Args:
        con: the connection, within the load's transaction.
        everything: judge all answers again, not only those that this load may affect.
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
    """The best answer about each task under its own id, and the best one under other ids."""
    ranked = tasks.with_columns(is_own=pl.col("answered_id").is_null()).sort(precedence)
    return ranked.unique(("source", "task_id", "is_own"), keep="last", maintain_order=True).drop("is_own")


def with_resolved(best: pl.DataFrame, resolved: pl.DataFrame) -> pl.DataFrame:
    """One row per task to merge into `tasks`: its row in `resolved`, else its best answer under its own id."""
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
