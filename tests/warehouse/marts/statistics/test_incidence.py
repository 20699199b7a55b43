"""`outcome_incidence`: success and failure as ends that compete, of which each task has one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.warehouse.marts.statistics.frozen import LIVES, NOON, Life, drawn, fill, frozen, rush_world, tasks, untied
from tests.warehouse.marts.statistics.oracles import aalen_johansen, aalen_johansen_interval, aalen_johansen_untied

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

CURVE = "select t_seconds, p_success, p_failure, p_running from {} order by t_seconds"


def curve(con: duckdb.DuckDBPyConnection, view: str = "outcome_incidence") -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(con.execute(CURVE.format(view)).fetchall(), dtype=float)


def assert_agrees(con: duckdb.DuckDBPyConnection, view: str, lives: Sequence[Life]) -> None:
    np.testing.assert_allclose(curve(con, view), np.array(aalen_johansen(lives)), rtol=0, atol=1e-9)


@pytest.mark.parametrize("lives", LIVES)
def test_incidence_is_that_of_the_definition(con: duckdb.DuckDBPyConnection, lives: list[Life]) -> None:
    """Ties between successes, failures and censorings included, which lifelines cannot do."""
    fill(con, tasks(lives))
    assert_agrees(con, "outcome_incidence", lives)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_incidence_agrees_with_lifelines_where_no_times_are_tied(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    """For success and for failure, with between a tenth and half of the tasks running."""
    lives = untied(drawn(seed, 300, 0.2, 0.1 + seed / 10, 1 / 64))
    fill(con, tasks(lives))
    found = curve(con)
    for column, event in ((1, "SUCCESS"), (2, "FAILURE")):
        np.testing.assert_allclose(found[:, column], aalen_johansen_untied(lives, event), rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", [1, 2])
def test_incidence_of_a_frozen_world_is_that_of_the_definition(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    """While a fifth of its tasks run, for each action."""
    fill(con, frozen(rush_world(seed, 2000, NOON), NOON))
    for action in ("avatar-generate", "avatar-lipsync", "avatar-image"):
        query = "select event, observed_seconds from task_latency where action = ? and observed_seconds is not null"
        assert_agrees(
            con, f"(from outcome_incidence where action = '{action}')", con.execute(query, [action]).fetchall()
        )


@pytest.mark.parametrize("lives", LIVES)
def test_a_task_has_succeeded_failed_or_runs(con: duckdb.DuckDBPyConnection, lives: list[Life]) -> None:
    """The three add up to 1 at every time, and running is the survival of `latency_survival`."""
    fill(con, tasks(lives))
    np.testing.assert_allclose(curve(con)[:, 1:].sum(axis=1), 1, rtol=0, atol=1e-12)
    both = "select p_running - survival from outcome_incidence join latency_survival using (source, t_seconds)"
    assert {difference for (difference,) in con.execute(both).fetchall()} == {0.0}


def test_once_all_have_ended_incidence_is_the_share_of_each_end(con: duckdb.DuckDBPyConnection) -> None:
    """Nothing is estimated where everything is known."""
    lives = drawn(1, 500, 0.3, 0.0, 1)
    fill(con, tasks(lives))
    _, success, failure, running = curve(con)[-1]
    assert running == 0
    assert failure == pytest.approx(sum(event == "FAILURE" for event, _ in lives) / 500, abs=1e-12)
    assert success == pytest.approx(sum(event == "SUCCESS" for event, _ in lives) / 500, abs=1e-12)


def test_counts_are_by_kind_of_end(con: duckdb.DuckDBPyConnection) -> None:
    """At each time: how many succeeded, failed, or were last seen running."""
    fill(con, tasks([("SUCCESS", 5), ("SUCCESS", 5), ("FAILURE", 5), (None, 5), ("FAILURE", 8)]))
    counts = "select t_seconds, at_risk, succeeded, failed, censored from outcome_incidence order by all"
    assert con.execute(counts).fetchall() == [(5, 5, 2, 1, 1), (8, 1, 0, 1, 0)]


def test_a_range_is_the_incidence_of_its_tasks(con: duckdb.DuckDBPyConnection) -> None:
    """Of those submitted in [t0, t1), however they are written."""
    old, new = drawn(1, 50, 0.5, 0.2, 1), drawn(2, 50, 0.1, 0.2, 1)
    fill(con, [*tasks(old, NOON - timedelta(hours=1)), *tasks(new, NOON)])
    assert_agrees(con, "outcome_incidence_between('-infinity', '2026-01-20 20:00:00+08')", old)
    assert_agrees(con, "outcome_incidence_between(timestamptz '2026-01-20 12:00:00Z', 'infinity')", new)


@pytest.mark.parametrize("seed", [1, 2])
def test_intervals_of_incidence_agree_with_lifelines(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    """Its variance by the same formula, for success and for failure, to 1e-6."""
    lives = untied(drawn(seed, 300, 0.2, 0.3, 1 / 64))
    fill(con, tasks(lives))
    query = "select p_{0}_low, p_{0}_high from outcome_incidence where p_{0} > 0 order by t_seconds"
    for event in ("SUCCESS", "FAILURE"):
        found = np.array(con.execute(query.format(event.lower())).fetchall(), dtype=float)
        expected = aalen_johansen_interval(lives, event)
        is_known = ~np.isnan(expected[:, 0])  # lifelines has none where the last at risk ends
        assert is_known[:-1].all()
        np.testing.assert_allclose(found[is_known], expected[is_known], rtol=0, atol=1e-6)
