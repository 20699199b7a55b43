"""`latency_hourly` and `latency_daily`: how long successes took, by when they were submitted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.warehouse.marts.statistics.frozen import NOON, drawn, fill, frozen, rush_world, tasks

if TYPE_CHECKING:
    import duckdb

ZONES = ["UTC", "America/St_Johns", "Asia/Shanghai", "Asia/Kathmandu"]
PERCENTILES = "select p50_seconds, p90_seconds, p95_seconds, p99_seconds, mean_seconds, max_seconds from latency_daily"
COUNTS = "select submitted, succeeded, failed, in_flight, unknown from latency_daily"


@pytest.mark.parametrize("count", [1, 2, 3, 500])
def test_percentiles_are_those_of_numpy(con: duckdb.DuckDBPyConnection, count: int) -> None:
    """To the last bit but one, of the succeeded alone; failures and tasks in flight have no part in them."""
    lives = drawn(count, count, 0, 0, 1 / 64)
    fill(con, tasks([*lives, ("FAILURE", 0.5), (None, 9000.0)]))
    [(*percentiles, mean, longest)] = con.execute(PERCENTILES).fetchall()
    seconds = np.array([one for _, one in lives], dtype=float)
    np.testing.assert_array_max_ulp(np.array(percentiles), np.quantile(seconds, [0.5, 0.9, 0.95, 0.99]))
    assert mean == pytest.approx(seconds.mean(), rel=1e-12)
    assert longest == seconds.max()


@pytest.mark.parametrize(("view", "seconds"), [("latency_hourly", 3600), ("latency_daily", 86400)])
def test_a_frozen_world_gives_what_numpy_gives(con: duckdb.DuckDBPyConnection, view: str, seconds: int) -> None:
    """For each bucket and action of a world a fifth of whose tasks run."""
    night = NOON - timedelta(hours=9)
    rows = frozen(rush_world(1, 3000, night), night)
    fill(con, rows)
    columns = "select bucket_start, action, submitted, p50_seconds, p99_seconds from {}"
    found = con.execute(columns.format(view)).fetchall()
    assert len(found) > 3
    for start, action, submitted, median, p99 in found:
        ours = [row for row in rows if row["action"] == action and row["submit_time"] is not None]
        ours = [row for row in ours if start <= row["submit_time"] < start + timedelta(seconds=seconds)]
        done = [
            row["latency_seconds"] for row in ours if row["status"] == "SUCCESS" and row["latency_seconds"] is not None
        ]
        assert submitted == len(ours)
        np.testing.assert_array_max_ulp(np.array([median, p99]), np.quantile(np.array(done), [0.5, 0.99]))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("family", ["latency", "failure_rate"])
def test_hours_and_days_are_those_of_utc_in_every_session(
    con: duckdb.DuckDBPyConnection, zone: str, family: str
) -> None:
    """Also where the session's own hours begin at half past, and its days at other hours."""
    midnight = datetime(2026, 1, 20, tzinfo=UTC)
    before, after = midnight - timedelta(microseconds=1), midnight + timedelta(minutes=59, seconds=59)
    fill(con, [*tasks([("SUCCESS", 5)], before), *tasks([("SUCCESS", 5)], midnight), *tasks([("SUCCESS", 5)], after)])
    con.execute(f"set timezone = '{zone}'")
    starts = "select epoch(bucket_start), submitted from {} order by all"
    assert con.execute(starts.format(f"{family}_hourly")).fetchall() == [
        (midnight.timestamp() - 3600, 1),
        (midnight.timestamp(), 2),
    ]
    assert con.execute(starts.format(f"{family}_daily")).fetchall() == [
        (midnight.timestamp() - 86400, 1),
        (midnight.timestamp(), 2),
    ]


def test_every_task_of_a_bucket_is_counted_once(con: duckdb.DuckDBPyConnection) -> None:
    """Submitted is succeeded, failed, in flight and unknown; an end without a time is an end."""
    odd = tasks([(None, 8)], status="UNKNOWN") + tasks([("SUCCESS", None), ("FAILURE", None)], action="sing")
    fill(con, [*tasks([("SUCCESS", 5), ("FAILURE", 6), (None, 7)]), *odd])
    assert con.execute(COUNTS).fetchall() == [(6, 2, 2, 1, 1)]
    assert con.execute(PERCENTILES).fetchall() == [(5.0,) * 6]


def test_where_none_succeeded_there_are_counts_and_no_percentiles(con: duckdb.DuckDBPyConnection) -> None:
    """NULL, not 0."""
    fill(con, tasks([("FAILURE", 6), (None, 7)]))
    assert con.execute(COUNTS).fetchall() == [(2, 0, 1, 1, 0)]
    nothing: tuple[Any, ...] = (None,) * 6
    assert con.execute(PERCENTILES).fetchall() == [nothing]


def test_tasks_without_a_submit_time_belong_to_no_bucket(con: duckdb.DuckDBPyConnection) -> None:
    """A work alone does not have the time at which its task was submitted."""
    fill(con, tasks([("SUCCESS", None), (None, None)], None))
    assert con.execute("from latency_hourly").fetchall() == []
    assert con.execute("from failure_rate_daily").fetchall() == []


def test_a_bucket_may_have_any_length(con: duckdb.DuckDBPyConnection) -> None:
    """For instance a quarter of an hour."""
    fill(con, [row for minute in range(0, 60, 5) for row in tasks([("SUCCESS", 5)], NOON + timedelta(minutes=minute))])
    found = con.execute("select bucket_start, submitted from latency_by(900) order by all").fetchall()
    assert found == [(NOON + timedelta(minutes=minute), 3) for minute in (0, 15, 30, 45)]
