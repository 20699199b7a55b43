"""A status that nobody understands is neither running nor ended: a class of its own, out of every curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.warehouse.tables import rolled_back

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

#: A thousand tasks that take 50 to 150 s, and among them 2% of a word that a gateway has begun to use for an end.
WORLD: Final = """
insert into tasks by name
select
    'd' as source,
    range::varchar as task_id,
    'x' as action,
    if(range % 50 = 0, 'UNKNOWN', if(range % 10 = 1, 'FAILURE', 'SUCCESS')) as status,
    range % 50 <> 0 as is_terminal,
    '2025-01-14 10:00:00+00'::timestamptz + to_seconds(range) as submit_time,
    if(is_terminal, 50 + (range * 7 % 1000) / 10, null) as latency_seconds,
    '2025-01-14 12:00:00+00'::timestamptz as last_observed_at,
    if(is_terminal, null, last_observed_at) as last_running_at,
    if(is_terminal, last_observed_at, null) as first_terminal_at,
from range(1000)
"""
OBJECTIVE: Final = "insert into objectives values ('o', null, null, 120, 0.95)"

CURVES: Final = {
    "latency_quantiles": "from latency_quantiles order by all",
    "latency_survival": "from latency_survival order by all",
    "outcome_incidence": "from outcome_incidence order by all",
    "failure_chance": "from failure_chance order by all",
    "stuck_tasks": "from stuck_tasks order by all",
    "slo_tasks": "select verdict, count(*) from slo_tasks where verdict <> 'unknown' group by all order by all",
    "rates": "select failed, failure_rate, projected_failure_rate, in_flight from failure_rate_daily",
    "class rates": "from failure_class_rates_daily",
    "latencies": "select succeeded, in_flight, p95_seconds, p99_seconds from latency_daily",
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """The world."""
    with rolled_back() as con:
        con.execute(WORLD)
        con.execute(OBJECTIVE)
        yield con


@pytest.mark.parametrize("query", CURVES.values(), ids=CURVES)
def test_what_nobody_understands_changes_no_figure(con: duckdb.DuckDBPyConnection, query: str) -> None:
    """Taken for running tasks, they would turn a p95 of 145 s into one of hours, and every p99 into NULL."""
    with_them = con.execute(query).fetchall()
    con.execute("delete from tasks where status = 'UNKNOWN'")
    assert with_them == con.execute(query).fetchall()


@pytest.mark.parametrize("view", ["failure_rate_daily", "failure_rate_hourly", "latency_daily", "latency_hourly"])
def test_they_are_counted_as_what_they_are(con: duckdb.DuckDBPyConnection, view: str) -> None:
    """The four classes add up to what was submitted."""
    counts = "sum(unknown), sum(in_flight), sum(submitted - succeeded - failed - in_flight - unknown)"
    query = f"select {counts} from {view}"  # noqa: S608 - of the names above
    assert con.execute(query).fetchall() == [(20, 0, 0)]
    assert con.execute("select count(*) from slo_tasks where verdict = 'unknown'").fetchall() == [(20,)]
