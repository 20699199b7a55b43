"""Where nothing differs, the report points at nothing: no slower day, no busiest or slowest hour, no slower kind."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import pytest
from scipy import stats  # type: ignore[import-untyped]

from reports import sentences
from reports.cohort import Cohort, choose
from tests.warehouse.marts.statistics.planted import fill
from warehouse.database.schema import bring_up_to_date
from warehouse.database.session import in_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

WORLDS: Final = 300

#: What a sentence says when it points at something.
POINTS: Final = {
    "a bucket clearly slower": "Clearly slower",
    "a busiest hour of the week": "Busiest is",
    "a slowest hour of the week": "Slowest is",
    "a kind clearly slower": "have ended within",
}


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """The report's views over whatever three weeks are put under them."""
    with contextlib.closing(in_memory()) as con:
        con.execute("attach ':memory:' as published")
        con.execute("use published")
        bring_up_to_date(con)
        fill(con, 1, tasks=10, days=21)
        con.execute("use memory")
        choose(con, Cohort())
        yield con


def said(con: duckdb.DuckDBPyConnection, seed: int, cause: str = "") -> dict[str, bool]:
    """Which sentences point at something, in a world of four kinds of task in which nothing but `cause` differs."""
    con.execute("use published")
    fill(con, seed, tasks=5000, days=21)
    con.execute("update tasks set action = 'kind ' || hash(task_id) % 4")
    if cause:
        con.execute(cause)
    con.execute("use memory")
    slower = con.execute("from latency_over_time order by bucket_start").pl()
    facts = {"p50_seconds": 60.0, "p95_seconds": 100.0, "step_seconds": 3600, "succeeded": 900, "failed": 90}
    week = sentences.week(con.execute("from hour_by_weekday").pl())
    kinds = sentences.kinds(con.execute("from by_kind").pl())
    texts = dict(zip(POINTS, (sentences.latency(slower, facts), week, week, kinds), strict=True))
    return {what: words in texts[what] for what, words in POINTS.items()}


def test_where_nothing_differs_hardly_anything_is_pointed_at(con: duckdb.DuckDBPyConnection) -> None:
    """At most once in the twelve sentences of three worlds, which one suite in eight would break at 5%."""
    assert sum(sum(said(con, seed).values()) for seed in range(50, 53)) <= 1


@pytest.mark.soak
def test_stationary_worlds_are_pointed_at_in_at_most_one_of_twenty(con: duckdb.DuckDBPyConnection) -> None:
    """Each sentence by itself; beyond 5% only as far as chance goes."""
    found = [said(con, seed) for seed in range(WORLDS)]
    shares = {what: sum(one[what] for one in found) / WORLDS for what in POINTS}
    for what, share in shares.items():
        print(f"{what}: pointed at in {share:.1%} of {WORLDS} stationary worlds")  # noqa: T201 - the figures of docs/statistics.md
    assert max(shares.values()) <= stats.binom.ppf(0.975, WORLDS, 0.05) / WORLDS


PLANTED: Final = {
    "a bucket clearly slower": "update tasks set latency_seconds = 2 * latency_seconds where day(submit_time) = 5",
    "a busiest hour of the week": (
        "update tasks set submit_time = date_trunc('week', submit_time) + interval 30 hours "
        "where hash(task_id) % 40 = 0"
    ),
    "a slowest hour of the week": (
        "update tasks set latency_seconds = 300 where isodow(submit_time) = 2 and hour(submit_time) = 6"
    ),
    "a kind clearly slower": "update tasks set latency_seconds = 2 * latency_seconds where action = 'kind 1'",
}


@pytest.mark.parametrize("what", POINTS)
def test_what_differs_is_pointed_at(con: duckdb.DuckDBPyConnection, what: str) -> None:
    """One world each, in which just that was planted."""
    assert said(con, 7, PLANTED[what])[what]
