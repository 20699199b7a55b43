"""`latency_survival` and `latency_quantiles`: what is known of how long tasks take while some still run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.warehouse.marts.statistics.frozen import LIVES, NOON, Life, fill, frozen, rush_world, tasks
from tests.warehouse.marts.statistics.oracles import first_time_at_or_below, kaplan_meier

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

CURVE = "select t_seconds, at_risk, ended, censored, survival, survival_low, survival_high from {} order by t_seconds"
QUANTILES = "select q, seconds, seconds_low, seconds_high, naive_seconds from latency_quantiles order by q"
SHARES = (0.5, 0.9, 0.95, 0.99)


def table(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return con.execute(query).fetchall()


def columns(con: duckdb.DuckDBPyConnection, query: str) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    return [np.array(column, dtype=float) for column in zip(*table(con, query), strict=True)]


def assert_agrees(con: duckdb.DuckDBPyConnection, view: str, lives: Sequence[Life]) -> None:
    """Counts to the unit, survival to 1e-9, its interval to 1e-6."""
    expected = kaplan_meier(lives)
    t, at_risk, ended, censored, survival, low, high = columns(con, CURVE.format(view))
    assert t.tolist() == expected.t.tolist()
    assert at_risk.tolist() == expected.at_risk.tolist()
    assert ended.tolist() == expected.ended.tolist()
    assert censored.tolist() == expected.censored.tolist()
    np.testing.assert_allclose(survival, expected.survival, rtol=0, atol=1e-9)
    np.testing.assert_allclose(low, expected.low, rtol=0, atol=1e-6)
    np.testing.assert_allclose(high, expected.high, rtol=0, atol=1e-6)


@pytest.mark.parametrize("lives", LIVES)
def test_survival_and_its_interval_agree_with_lifelines(con: duckdb.DuckDBPyConnection, lives: list[Life]) -> None:
    """Whatever the ties, however many still run, where survival is 1 or 0 as well."""
    fill(con, tasks(lives))
    assert_agrees(con, "latency_survival", lives)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_survival_of_a_frozen_world_agrees_with_lifelines(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    """While a fifth of its tasks run, for each action; its quantiles too, and numpy's of those that have ended."""
    fill(con, frozen(rush_world(seed, 4000, NOON), NOON))
    [(running,)] = table(con, "select avg((event is null)::integer) from task_latency")
    assert 0.15 < running < 0.25
    for (action,) in table(con, "select distinct action from task_latency where action is not null"):
        lives = known_lives(con, action)
        assert len(lives) > 300
        assert_agrees(con, f"(from latency_survival where action = '{action}')", lives)
        assert_quantiles_agree(table(con, QUANTILES.replace("order", f"where action = '{action}' order")), lives)


def known_lives(con: duckdb.DuckDBPyConnection, action: str) -> list[Life]:
    query = "select event, observed_seconds from task_latency where action = ? and observed_seconds is not null"
    return con.execute(query, [action]).fetchall()


def assert_quantiles_agree(rows: list[tuple[Any, ...]], lives: Sequence[Life]) -> None:
    """With lifelines' curves read by hand, and to the last bit but one with numpy."""
    curve = kaplan_meier(lives)
    is_bounded = curve.survival > 0
    ended = [seconds for event, seconds in lives if event is not None]
    for (q, seconds, low, high, naive), share in zip(rows, SHARES, strict=True):
        assert q == share
        assert seconds == first_time_at_or_below(curve.t, curve.survival - 1e-12, 1 - share)
        assert low == first_time_at_or_below(curve.t, curve.low, 1 - share)
        assert high == first_time_at_or_below(curve.t[is_bounded], curve.high[is_bounded], 1 - share)
        if ended:
            np.testing.assert_array_max_ulp(np.float64(naive), np.quantile(np.array(ended, dtype=float), share))
        else:
            assert naive is None


@pytest.mark.parametrize("lives", LIVES)
def test_quantiles_agree_with_the_curve_of_lifelines(con: duckdb.DuckDBPyConnection, lives: list[Life]) -> None:
    """Where a curve or its interval does not get there, the quantile or its end is NULL."""
    fill(con, tasks(lives))
    assert_quantiles_agree(table(con, QUANTILES), lives)


def test_quantiles_of_ended_tasks_are_numpys_inverse_of_the_empirical_distribution(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """Exactly, also where a share is met to the task: half of ten is the fifth."""
    for count in (1, 2, 10, 20, 100, 1000):
        seconds = np.random.default_rng(count).permutation(count) + 0.25
        fill(con, tasks([("SUCCESS", float(one)) for one in seconds]))
        found = [one for _, one, *_ in table(con, QUANTILES)]
        assert found == np.quantile(seconds, SHARES, method="inverted_cdf").tolist()


def test_the_naive_quantile_is_too_low_while_slow_tasks_run_and_the_other_is_not(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """Ten tasks a second take 1 to 100 s; frozen, the slow ones of the last 100 s are missing from the ended."""
    lives = [
        ("SUCCESS", float(needed)) if needed <= age else (None, float(age))
        for age in range(150)
        for needed in range(1, 101, 10)
    ]
    fill(con, tasks(lives))
    _, seconds, low, high, naive = table(con, QUANTILES)[0]
    assert naive < low <= seconds == 41 <= high


def test_the_end_of_the_last_task_at_risk_bounds_nothing_from_above(con: duckdb.DuckDBPyConnection) -> None:
    """Survival 0 has no interval: the upper end of a high quantile is NULL, not the longest time there was."""
    fill(con, tasks([("SUCCESS", float(one)) for one in range(1, 31)]))
    assert table(con, "select survival, survival_low, survival_high from latency_survival where t_seconds = 30") == [
        (0, 0, 0)
    ]
    assert table(con, "select seconds, seconds_high from latency_quantiles where q = 0.99") == [(30, None)]


def test_a_task_last_seen_when_another_ended_was_still_at_risk(con: duckdb.DuckDBPyConnection) -> None:
    """Ends come before censorings at the same time."""
    fill(con, tasks([("SUCCESS", 5), (None, 5), ("SUCCESS", 9)]))
    assert table(con, "select t_seconds, at_risk, ended, censored from latency_survival order by all") == [
        (5, 3, 1, 1),
        (9, 1, 1, 0),
    ]


def test_tasks_without_a_duration_are_left_out(con: duckdb.DuckDBPyConnection) -> None:
    """A work alone has no submit_time; an end may have no time."""
    lives: list[Life] = [("SUCCESS", 5.0), (None, 7.0)]
    unknown = [*tasks([("SUCCESS", 3.0), (None, 1.0)], None), *tasks([("SUCCESS", None), ("FAILURE", None)])]
    fill(con, [*tasks(lives), *unknown])
    assert_agrees(con, "latency_survival", lives)
    assert [row[-1] for row in table(con, QUANTILES)] == [5.0] * 4


def test_a_range_includes_its_first_instant_and_not_its_last(con: duckdb.DuckDBPyConnection) -> None:
    """The macro is the view of the tasks submitted in [t0, t1); text is read as a time as well."""
    hours = [NOON + timedelta(hours=hour) for hour in range(4)]
    lives: list[list[Life]] = [[("SUCCESS", 10.0 * hour + 1), (None, 7.0), ("FAILURE", 2.0)] for hour in range(4)]
    fill(con, [row for hour, some in zip(hours, lives, strict=True) for row in tasks(some, hour)])
    assert_agrees(
        con, "latency_survival_between('2026-01-20 13:00:00Z', '2026-01-20 15:00:00Z')", [*lives[1], *lives[2]]
    )
    assert_agrees(con, "latency_survival", [life for some in lives for life in some])
    assert table(con, "from latency_survival_between('2026-01-21 00:00:00Z', '2026-01-22 00:00:00Z')") == []


def test_each_source_and_action_has_its_own_curve_and_no_action_is_one_too(con: duckdb.DuckDBPyConnection) -> None:
    """NULL is a kind like any other, also where views are joined."""
    lives: list[Life] = [("SUCCESS", 5.0), (None, 7.0)]
    rows = [*tasks(lives), *tasks(lives, action=None), *tasks(lives, source="there")]
    fill(con, rows)
    kinds = "select distinct source, action from {} order by all"
    expected = [("here", "sing"), ("here", None), ("there", "sing")]
    for view in ("latency_survival", "outcome_incidence", "latency_quantiles", "latency_hourly", "failure_rate_daily"):
        assert table(con, kinds.format(view)) == expected
    assert table(con, "select distinct at_risk from latency_survival where t_seconds = 5") == [(2,)]
