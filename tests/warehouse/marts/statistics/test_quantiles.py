"""`latency_quantiles` and `latency_quantiles_by` read the same times off the curve as `latency_survival` has it.

They look at whole bins of times first, and at single times only where a share is reached.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.warehouse.marts.statistics.frozen import NOON, fill, tasks
from tests.warehouse.marts.statistics.test_late_entry import rows

if TYPE_CHECKING:
    import duckdb

    from tests.warehouse.marts.statistics.frozen import Life

#: The first times at which the exact curve and its interval fall to each share.
FROM_CURVE = """
    select
        q,
        min(t_seconds) filter (where survival <= 1 - q + 1e-9) as seconds,
        min(t_seconds) filter (where survival_low <= 1 - q + 1e-9) as seconds_low,
        min(t_seconds) filter (where survival_high <= 1 - q + 1e-9 and survival > 0) as seconds_high,
    from {}, (select unnest([0.5, 0.9, 0.95, 0.99]::double[]) as q)
    group by q
    order by q
"""


def drawn(seed: int, running: float) -> list[Life]:
    """700 lives, so many of them censored, at times that often are equal."""
    random = Random(seed)
    return [
        (
            None if random.random() < running else random.choice(["SUCCESS", "FAILURE"]),
            round(random.expovariate(0.02), 1),
        )
        for _ in range(700)
    ]


@pytest.mark.parametrize("running", [0, 0.002, 0.05, 0.7])
@pytest.mark.parametrize("seed", [1, 2])
def test_quantiles_are_the_first_times_of_the_exact_curve(
    con: duckdb.DuckDBPyConnection, seed: int, running: float
) -> None:
    """To the last digit, however many tasks run: bins without any are skipped, others are not."""
    fill(con, tasks(drawn(seed, running)))
    assert found(con, "latency_quantiles") == con.execute(FROM_CURVE.format("latency_survival")).fetchall()


def test_quantiles_are_those_of_the_exact_curve_where_tasks_join_late(con: duckdb.DuckDBPyConnection) -> None:
    """Of lists drawn from running tasks."""
    con.execute("delete from requests")
    fill(con, rows(1, "running"))
    assert con.execute("select bool_and(entry_seconds > 0) from task_latency").fetchall() == [(True,)]
    assert found(con, "latency_quantiles") == con.execute(FROM_CURVE.format("latency_survival")).fetchall()


@pytest.mark.parametrize(("bucket", "zone"), [("hour", "Asia/Kathmandu"), (1800, "UTC")])
def test_each_bucket_has_the_quantiles_of_its_own_curve(
    con: duckdb.DuckDBPyConnection, bucket: str | int, zone: str
) -> None:
    """Of hours that begin at a quarter past, and of half hours."""
    starts = [NOON + timedelta(minutes=minutes) for minutes in (0, 14, 15, 29, 30, 61, 90)]
    fill(con, [row for nth, start in enumerate(starts) for row in tasks(drawn(nth, 0.01)[:90], start)])
    buckets = con.execute("select distinct bucket_start from latency_quantiles_by(?, ?) order by all", [bucket, zone])
    for (start,) in (several := buckets.fetchall()):
        end = con.execute("select bucket_end($1, $2, $3)", [start, bucket, zone]).fetchall()[0][0]
        curve = f"latency_survival_between('{start}', '{end}')"
        by_bucket = f"latency_quantiles_by('{bucket}', '{zone}') where bucket_start = '{start}'"
        assert found(con, by_bucket) == con.execute(FROM_CURVE.format(curve)).fetchall()
    assert len(several) > 1


def found(con: duckdb.DuckDBPyConnection, quantiles: str) -> list[tuple[Any, ...]]:
    return con.execute(f"select q, seconds, seconds_low, seconds_high from {quantiles} order by q").fetchall()  # noqa: S608
