"""Alarms of objectives: worlds that meet theirs wake hardly anybody, and a broken one does, however few its tasks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import pytest

from tests.warehouse.tables import rolled_back

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

START: Final = datetime(2025, 1, 6, tzinfo=UTC)

#: At most 1 in 20 of the worlds may alarm; a simulation of `worlds` of them may show so many by chance (p < 0.001).
MOST: Final = 0.05


def worlds(con: duckdb.DuckDBPyConnection, number: int, days: int, per_hour: float, target: float, seed: int) -> None:
    """So many sources, each with an objective of its own that its tasks meet exactly, for so many days."""
    rng = np.random.default_rng(seed)
    total = rng.poisson(per_hour * 24 * days, number)
    source = np.repeat(np.arange(number), total)
    seconds = rng.uniform(0, days * 86_400, total.sum())
    frame = pl.DataFrame(
        {"source": source, "missed": rng.random(total.sum()) > target, "ago": seconds * 1e6}
    ).select(
        source=pl.col("source").cast(pl.String),
        task_id=pl.int_range(pl.len()).cast(pl.String),
        status=pl.when("missed").then(pl.lit("FAILURE")).otherwise(pl.lit("SUCCESS")),
        is_terminal=pl.lit(value=True),
        submit_time=pl.lit(START) + pl.duration(microseconds=pl.col("ago").cast(pl.Int64)),
        latency_seconds=pl.lit(60.0),
    )  # fmt: skip
    con.register("frame", frame)
    con.execute("insert into tasks by name from frame")
    con.unregister("frame")
    con.execute(
        "insert into objectives select 'o' || range, range::varchar, null, 120, ? from range(?)", [target, number]
    )


def looks(days: int, every_hours: int) -> Iterator[datetime]:
    for hour in range(every_hours, 24 * days + 1, every_hours):
        yield START + timedelta(hours=hour)


def alarms(con: duckdb.DuckDBPyConnection, moment: datetime) -> set[str]:
    rows = con.execute("select distinct source from slo_burn_at($1) where is_burning", [moment]).fetchall()
    return {source for (source,) in rows}


def share_that_alarm(number: int, days: int, every_hours: int, per_hour: float, target: float) -> float:
    """Share of the worlds in which any look at all finds a burning objective."""
    with rolled_back() as con:
        worlds(con, number, days, per_hour, target, seed=18)
        woken: set[str] = set()
        for moment in looks(days, every_hours):
            woken |= alarms(con, moment)
    return len(woken) / number


@pytest.mark.parametrize(("per_hour", "target"), [(2, 0.99), (3, 0.95)])
def test_worlds_that_meet_their_objective_wake_hardly_anybody(per_hour: float, target: float) -> None:
    """Looked at every four hours for two days, at volumes where a careless alarm speaks often."""
    assert share_that_alarm(60, 2, 4, per_hour, target) <= MOST


@pytest.mark.soak
@pytest.mark.parametrize("target", [0.99, 0.95])
@pytest.mark.parametrize("per_hour", [0.5, 2, 5, 20])
def test_a_week_of_hourly_looks_wakes_hardly_anybody(per_hour: float, target: float) -> None:
    """300 worlds each; the printed shares are in docs/statistics.md."""
    share = share_that_alarm(300, 7, 1, per_hour, target)
    print(f"{per_hour:g} tasks an hour, target {target:.0%}: {share:.1%} of 300 worlds alarm in a week of hourly looks")  # noqa: T201
    assert share <= MOST


@pytest.mark.parametrize("per_hour", [4, 40])
def test_an_objective_that_breaks_wakes_somebody(per_hour: int) -> None:
    """Half of what ends in the last six hours is missed: at four tasks an hour as well as at forty."""
    with rolled_back() as con:
        con.execute(
            """
            insert into tasks by name
            select 's' as source, range::varchar as task_id, if(range % 2 = 0, 'FAILURE', 'SUCCESS') as status,
                true as is_terminal, 60 as latency_seconds,
                $1::timestamptz + to_microseconds((range * 3600e6 / $2)::bigint) as submit_time
            from range(6 * $2)
            """,
            [START, per_hour],
        )
        con.execute("insert into objectives values ('o', 's', null, 120, 0.99)")
        assert alarms(con, START + timedelta(hours=6)) == {"s"}
