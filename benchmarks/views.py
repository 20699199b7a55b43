"""The cost of each view on five million tasks, compared with one full scan with four percentiles by day.

Two months of tasks, 1.5 answers each, with latencies in milliseconds, so that hardly any two are equal and a survival
curve has half a million rows: the worst case for views. All rows are written to a table. A view's figure is the median,
over the rounds, of its seconds divided by those of the scan just before it.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.harness import Row, at_most
from benchmarks.inputs.filled import fill
from warehouse.backends.choose import reader
from warehouse.database.publish import publish
from warehouse.database.schema import definitions
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

TASKS: Final = 5_000_000
BAR: Final = 5.0
SCAN: Final = """
    select
        date_trunc('day', submit_time) as day,
        quantile_cont(latency_seconds, [0.5, 0.9, 0.95, 0.99]) as percentiles,
    from tasks
    group by all
"""
MACROS: Final = {
    "latency_survival_between": "from latency_survival_between('2026-01-10 00:00:00Z', '2026-01-17 00:00:00Z')",
    "outcome_incidence_between": "from outcome_incidence_between('2026-01-10 00:00:00Z', '2026-01-17 00:00:00Z')",
    "latency_bins_by": "from latency_bins_by('day', 'Asia/Shanghai')",
    "latency_quantiles_by": "from latency_quantiles_by('day', 'Asia/Shanghai')",
    "latency_survival_at": "from latency_survival_at([60, 120, 300, 600])",
    "outcome_shares_between": "from outcome_shares_between('2026-01-10 00:00:00Z', '2026-01-17 00:00:00Z')",
    "outcome_incidence_at": "from outcome_incidence_at([60, 120, 300, 600])",
    "latency_by": "from latency_by(900)",
    "failure_rate_by": "from failure_rate_by(900)",
    "stuck_tasks_at": "from stuck_tasks_at('2026-03-02 00:00:00Z')",
    "failure_reasons_by": "from failure_reasons_by('day', 'Asia/Shanghai')",
    "data_quality_by": "from data_quality_by('day', 'Asia/Shanghai')",
    "task_dimensions_where": "from task_dimensions_where(submit_time >= timestamptz '2026-02-20 00:00:00Z')",
    "slo_tasks_after": "from slo_tasks_after('2026-02-20 00:00:00Z'::timestamptz)",
    "slo_burn_at": "from slo_burn_at('2026-02-20 00:00:00Z')",
    "slo_monthly_at": "from slo_monthly_at('2026-02-20 00:00:00Z')",
    "collection_freshness_at": "from collection_freshness_at('2026-02-20 00:00:00Z')",
    "failure_class_rates_by": "from failure_class_rates_by(900)",
    "drivers_between": "from drivers_between('2026-01-10 00:00:00Z', '2026-01-17 00:00:00Z')",
    "change_points_between": "from change_points_between('2026-01-10 00:00:00Z', '2026-02-07 00:00:00Z')",
    "period_comparison": (
        "from period_comparison("
        "'2026-01-10 00:00:00Z', '2026-01-17 00:00:00Z', '2026-01-17 00:00:00Z', '2026-01-24 00:00:00Z')"
    ),
    "due_tasks_at": "from due_tasks_at('2026-03-02 00:00:00Z')",
    "result_expiry_at": "from result_expiry_at('2026-03-02 00:00:00Z')",
    "given_up_tasks_at": "from given_up_tasks_at('2026-03-02 00:00:00Z')",
}


def queries() -> dict[str, str]:
    """Every view, and the table macros with typical arguments."""
    views = {one.name: f"from {one.name}" for one in definitions("marts") if one.kind == "view"}
    return dict(sorted((views | MACROS).items()))


def run(rounds: int, scale: float) -> Iterator[Row]:
    """One row per view and table macro."""
    with tempfile.TemporaryDirectory() as name:
        paths = DataPaths(Path(name))
        fill(paths, int(TASKS * scale))
        publish(paths, wait_seconds=5)
        with reader(paths) as con:
            seconds_of(con, SCAN)
            for view, query in queries().items():
                yield measured(con, view, query, rounds)


def measured(con: duckdb.DuckDBPyConnection, view: str, query: str, rounds: int) -> Row:
    pairs = [(seconds_of(con, SCAN)[1], *seconds_of(con, query)) for _ in range(rounds)]
    rows = pairs[0][1]
    detail = (
        f"{rows:,} rows in {median(pair[2] for pair in pairs):.3f} s, scan {median(pair[0] for pair in pairs):.3f} s"
    )
    return Row(
        view,
        median(seconds / scan for scan, _, seconds in pairs),
        "times the scan",
        at_most(BAR),
        detail,
    )


def seconds_of(con: duckdb.DuckDBPyConnection, query: str) -> tuple[int, float]:
    """(rows, seconds) of writing a query's result to a table."""
    started = time.perf_counter()
    [(rows,)] = con.execute(f"create or replace temp table answer as {query}").fetchall()
    return rows, time.perf_counter() - started
