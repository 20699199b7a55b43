"""What people decide, written to tables: objectives, failure rules, prices, and when pending ids are polled."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import polars as pl

from transforms.failures import fail_class, fail_rule
from warehouse.database.schema import statement
from warehouse.load.registered import registered

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from warehouse.analysis import Analysis
    from warehouse.policy import PollingPolicy

#: The columns of `polling_policy`.
_POLICIES: Final = pl.Schema(
    {
        "source": pl.String(),
        "age_share": pl.Float64(),
        "min_seconds": pl.Float64(),
        "max_seconds": pl.Float64(),
        "missing_limit": pl.Int32(),
        "give_up_after_seconds": pl.Float64(),
    }
)


def put_decisions(con: duckdb.DuckDBPyConnection, analysis: Analysis) -> None:
    """Write what people decided to its tables; if failure rules changed, every failure is classified again."""
    objectives = [(one.name, one.source, one.action, one.seconds, one.target) for one in analysis.objectives]
    rules = [
        (number, rule.name, rule.pattern, rule.fail_class, rule.refunded)
        for number, rule in enumerate(analysis.failure_rules, start=1)
    ]
    pricing = analysis.pricing
    replace_rows(con, "objectives", objectives)
    replace_rows(con, "pricing", [(pricing.quota_per_unit, pricing.price, pricing.currency)])
    if replace_rows(con, "failure_rules", rules):
        _classify_again(con, analysis)


def put_policies(con: duckdb.DuckDBPyConnection, policy: PollingPolicy) -> None:
    """Bring `polling_policy` up to date with the settings, and with the ids that are pending after this load."""
    rows = pl.DataFrame([one.row() for one in (policy, *policy.others)], schema=_POLICIES, orient="row")
    with registered(con, new_policies=rows):
        found = con.execute(statement("load/polling_policy"), {"source": policy.source}).fetchall()
    replace_rows(con, "polling_policy", found)


def replace_rows(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> bool:
    """Replace the rows of a table, if they differ; returns whether they did. So a load of nothing writes nothing."""
    if Counter(con.execute(f"from {table}").fetchall()) == Counter(rows):
        return False
    con.execute(f"delete from {table}")  # noqa: S608 - one of our own table names
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        con.executemany(f"insert into {table} values ({marks})", rows)  # noqa: S608 - likewise
    return True


def _classify_again(con: duckdb.DuckDBPyConnection, analysis: Analysis) -> None:
    reasons = con.execute(statement("load/reasons")).pl()
    if reasons.is_empty():
        return
    rules = analysis.failure_rules
    ruled = reasons.with_columns(fail_rule=fail_rule(pl.col("fail_reason"), rules))
    classed = ruled.with_columns(fail_class=fail_class(pl.col("fail_rule"), rules))
    with registered(con, new_classes=classed):
        con.execute(statement("load/fail_class"))
