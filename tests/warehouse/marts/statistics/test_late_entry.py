"""Lists drawn from running tasks, lists of all tasks, and both: survival is right, whichever way ids came."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from lifelines import KaplanMeierFitter  # type: ignore[import-untyped]

from tests.warehouse.marts.statistics.frozen import NOON, SCHEMA, fill

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

Draw = Literal["running", "all"]

#: Seconds between two lists, and of the whole world.
EVERY = 600
LONG = 36_000
MEDIAN = 70.0


def lives(seed: int, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(submitted, needed) in seconds: a stationary world whose median is known."""
    rng = np.random.default_rng(seed)
    return np.sort(rng.uniform(0, LONG, count)), MEDIAN * rng.lognormal(0, 0.7, count)


def rows(seed: int, draw: Draw, count: int = 4000, source: str = "here") -> list[dict[str, Any]]:
    """Tasks as accepted in a list every ten minutes: those running then, or all that were submitted since the last."""
    found = []
    for number, (submitted, needed) in enumerate(zip(*lives(seed, count), strict=True)):
        accepted = (submitted // EVERY + 1) * EVERY
        if draw == "running" and submitted + needed <= accepted:
            continue
        found.append(row(f"{draw} {seed} {number}", source, submitted, needed, accepted))
    return found


def row(name: str, source: str, submitted: float, needed: float, accepted: float) -> dict[str, Any]:
    """A task whose end is observed if it comes within two lists of its acceptance."""
    submit_time, seen = NOON + timedelta(seconds=submitted), accepted + 2 * EVERY
    is_terminal = submitted + needed <= seen
    return {
        "source": source,
        "task_id": name,
        "action": "sing",
        "status": "SUCCESS" if is_terminal else "IN_PROGRESS",
        "is_terminal": is_terminal,
        "submit_time": submit_time,
        "requested_at": NOON + timedelta(seconds=accepted),
        "latency_seconds": needed if is_terminal else None,
        "last_observed_at": NOON + timedelta(seconds=seen),
    }


def median(con: duckdb.DuckDBPyConnection) -> tuple[float, float, float]:
    query = "select seconds, seconds_low, seconds_high from latency_quantiles where q = 0.5"
    [found] = con.execute(query).fetchall()
    return found


@pytest.fixture
def con(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    con.execute("delete from requests")
    return con


def test_survival_of_a_list_of_running_tasks_agrees_with_lifelines(con: duckdb.DuckDBPyConnection) -> None:
    """To 1e-9 with `entry=`, at every time; without it the median would be a third too long."""
    fill(con, rows(1, "running"))
    ages, needed, ended = np.array(
        con.execute("select entry_seconds, observed_seconds, event is not null from task_latency").fetchall(),
        dtype=float,
    ).T
    assert (ages > 0).all()
    fitter = KaplanMeierFitter().fit(needed, ended, entry=ages)
    curve = con.execute("select t_seconds, survival from latency_survival order by t_seconds").fetchall()
    expected = [float(fitter.survival_function_at_times(t).iloc[0]) for t, _ in curve[::7]]
    np.testing.assert_allclose([survival for _, survival in curve[::7]], expected, rtol=0, atol=1e-9)
    naive = float(KaplanMeierFitter().fit(needed, ended).median_survival_time_)
    seconds, low, high = median(con)
    assert naive > 1.25 * MEDIAN
    assert low < MEDIAN < high
    assert seconds == pytest.approx(MEDIAN, rel=0.1)


def test_a_complete_list_handed_over_late_counts_from_submission(con: duckdb.DuckDBPyConnection) -> None:
    """To give its running tasks an entry would throw away those that had ended: today's figures stay."""
    fill(con, rows(6, "all"))
    assert con.execute("select distinct drawn_from from accepted_lists").fetchall() == [("all",)]
    assert con.execute("select max(entry_seconds) from task_latency").fetchall() == [(0,)]
    seconds, low, high = median(con)
    assert low < MEDIAN < high
    assert seconds == pytest.approx(MEDIAN, rel=0.05)


def test_of_both_kinds_of_lists_each_is_taken_for_what_it_is(con: duckdb.DuckDBPyConnection) -> None:
    """Accepted at other minutes from one source, and together their median is right."""
    late = [
        one
        | {"requested_at": one["requested_at"] + timedelta(seconds=60 * EVERY * 10), "task_id": one["task_id"] + "*"}
        for one in rows(4, "all", 1500)
    ]
    fill(con, [*rows(3, "running"), *late])
    shares = "select avg((entry_seconds > 0)::integer) from task_latency where starts_with(task_id, $draw)"
    [(complete,)], [(running,)] = (con.execute(shares, {"draw": draw}).fetchall() for draw in ("all", "running"))
    assert complete == 0
    assert running > 0.99
    seconds, low, high = median(con)
    assert low < MEDIAN < high
    assert seconds == pytest.approx(MEDIAN, rel=0.06)


@pytest.mark.parametrize(("said", "entered"), [("running", True), ("all", False)])
def test_a_setting_ends_doubt(con: duckdb.DuckDBPyConnection, said: str, entered: bool) -> None:  # noqa: FBT001
    """Two tasks are too few to tell; --drawn-from says it, and otherwise data_quality says that it is unclear."""
    fill(con, [row(f"t{number}", "here", number, 100.0, 50.0) for number in range(2)])
    query = "select failing from data_quality where check_name = 'drawn_from_unclear'"
    assert con.execute("select drawn_from from accepted_lists").fetchall() == [("unclear",)]
    assert con.execute(query).fetchall() == [(2,)]
    con.execute(
        "insert into requests by name select source, task_id, requested_at, $said as drawn_from from tasks",
        {"said": said},
    )
    assert con.execute("select drawn_from, decided_by from accepted_lists").fetchall() == [(said, "setting")]
    assert con.execute(query).fetchall() == [(0,)]
    assert con.execute("select distinct entry_seconds > 0 from task_latency").fetchall() == [(entered,)]


def test_small_lists_of_running_tasks_are_told_together(con: duckdb.DuckDBPyConnection) -> None:
    """A few in each list, as of an hour with little to do: none tells alone, all together do."""
    fill(con, rows(5, "running", 700))
    found = con.execute("select distinct drawn_from from accepted_lists where decided_by = 'source'").fetchall()
    assert found == [("running",)]
    assert con.execute("select avg((entry_seconds > 0)::integer) > 0.9 from task_latency").fetchall() == [(True,)]


def test_the_columns_are_in_the_schema_of_frozen_rows() -> None:
    """Otherwise the acceptance of these rows would be lost on the way."""
    assert "requested_at" in SCHEMA
