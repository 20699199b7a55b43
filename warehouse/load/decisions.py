"""What people decided, as tables: objectives, failure rules, and when pending ids are polled."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl

from transforms.failures import fail_class, fail_rule
from warehouse.database.schema import statement
from warehouse.load.registered import registered

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from warehouse.analysis import Analysis
    from warehouse.policy import PollingPolicy


def put_decisions(con: duckdb.DuckDBPyConnection, analysis: Analysis, policy: PollingPolicy) -> None:
    """Put what people decided into its tables; where failure rules changed, every failure is classified again."""
    objectives = [(one.name, one.source, one.action, one.seconds, one.target) for one in analysis.objectives]
    rules = [
        (number, rule.name, rule.pattern, rule.fail_class, rule.refunded)
        for number, rule in enumerate(analysis.failure_rules, start=1)
    ]
    pricing = analysis.pricing
    replace_rows(con, "objectives", objectives)
    replace_rows(con, "polling_policy", [tuple(policy.row())])
    replace_rows(con, "pricing", [(pricing.quota_per_unit, pricing.price, pricing.currency)])
    if replace_rows(con, "failure_rules", rules):
        _classify_again(con, analysis)


def replace_rows(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> bool:
    """Let `rows` be what the table holds; whether that changed it. A load of nothing leaves the file as it is."""
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
