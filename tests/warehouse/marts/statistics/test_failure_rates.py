"""`failure_rate_hourly`, `failure_rate_daily` and `failure_chance`: how many failed, and how many will have."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.warehouse.marts.statistics.frozen import NOON, Life, drawn, fill, frozen, rush_world, tasks
from tests.warehouse.marts.statistics.oracles import aalen_johansen, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import duckdb

    from simulator import World

HOUR = timedelta(hours=1)
RATE = "select failure_rate, failure_rate_low, failure_rate_high from failure_rate_hourly"
PROVIDER = """
    select gateway_failed, provider_failure_rate, provider_failure_rate_low, provider_failure_rate_high
    from failure_rate_hourly
"""
LAST = "select {} from failure_rate_hourly order by bucket_start desc limit 1"


def ended(succeeded: int, failed: int) -> list[Life]:
    return [*[("SUCCESS", 60.0)] * succeeded, *[("FAILURE", 30.0)] * failed]


@pytest.mark.parametrize(("succeeded", "failed"), [(93, 7), (1, 0), (0, 1), (500, 0), (0, 40), (1, 1), (9_999, 1)])
def test_the_interval_is_wilsons(con: duckdb.DuckDBPyConnection, succeeded: int, failed: int) -> None:
    """As statsmodels has it, from none of one to all of forty; its ends are 0 and 1 exactly where they are."""
    fill(con, tasks(ended(succeeded, failed)))
    [(rate, low, high)] = con.execute(RATE).fetchall()
    assert rate == failed / (succeeded + failed)
    assert (low, high) == pytest.approx(wilson(failed, succeeded + failed), abs=1e-12)
    assert (low == 0) is (failed == 0)
    assert (high == 1) is (succeeded == 0)


def test_where_none_has_ended_there_is_no_rate(con: duckdb.DuckDBPyConnection) -> None:
    """NULL, not 0, for each of them."""
    fill(con, tasks([(None, 5), (None, 6)]))
    assert con.execute(RATE).fetchall() == [(None, None, None)]
    assert con.execute(PROVIDER).fetchall() == [(0, None, None, None)]


def test_the_providers_rate_counts_the_gateways_failures_neither_as_failed_nor_as_ended(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """Both kinds of them; failures caused by the input, the content or something unknown remain."""
    by_gateway = [row for kind in ("gateway", "gateway_timeout") for row in tasks(ended(0, 2), fail_class=kind)]
    others = [
        row
        for kind in ("provider", "input", "content_policy", "unknown")
        for row in tasks(ended(0, 1), fail_class=kind)
    ]
    fill(con, [*tasks(ended(36, 0)), *by_gateway, *others, *tasks([(None, 5)])])
    [(gateway_failed, rate, low, high)] = con.execute(PROVIDER).fetchall()
    assert (gateway_failed, rate) == (4, 4 / 40)
    assert (low, high) == pytest.approx(wilson(4, 40), abs=1e-12)
    assert con.execute(RATE).fetchall()[0][0] == 8 / 44


def test_where_all_failures_are_the_gateways_and_nothing_succeeded_the_provider_has_no_rate(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """No task got as far as the provider."""
    fill(con, tasks(ended(0, 3), fail_class="gateway"))
    assert con.execute(PROVIDER).fetchall() == [(3, None, None, None)]
    assert con.execute(RATE).fetchall()[0][0] == 1


def test_once_all_have_ended_the_projection_is_the_rate(con: duckdb.DuckDBPyConnection) -> None:
    """To the last bit."""
    fill(con, [row for hour in range(5) for row in tasks(ended(10 + hour, hour), NOON + hour * HOUR)])
    assert con.execute(
        "select count(*) from failure_rate_hourly where projected_failure_rate <> failure_rate"
    ).fetchall() == [(0,)]


def chances(con: duckdb.DuckDBPyConnection) -> dict[float, float | None]:
    """The probability of failing by age, of the tasks submitted last."""
    query = "select age_seconds, p_failure from failure_chance where submit_time = (select max(submit_time) from tasks)"
    return dict(con.execute(query).fetchall())


def conditional(lives: Sequence[Life], age: float) -> float:
    """Of those still running at the age that end at all, the share that fails: read off the definition's curve."""
    curve = aalen_johansen(lives)
    _, success, failure, _ = max((row for row in curve if row[0] <= age), default=(0, 0.0, 0.0, 1.0))
    _, success_end, failure_end, _ = curve[-1]
    return (failure_end - failure) / (failure_end - failure + success_end - success)


@pytest.mark.parametrize(
    "history",
    [
        pytest.param(drawn(1, 500, 0.2, 0.0, 1), id="all ended"),
        pytest.param(drawn(2, 500, 0.2, 0.3, 1 / 64), id="three in ten still run"),
        pytest.param([*drawn(3, 500, 0.2, 0.1, 4), (None, 90_000.0)], id="the longest of all still runs"),
        pytest.param(drawn(4, 500, 0.0, 0.2, 1), id="none failed"),
        pytest.param(drawn(5, 500, 0.75, 0.25, 1), id="none succeeded"),
    ],
)
def test_a_tasks_chance_is_that_of_those_before_it_that_reached_its_age(
    con: duckdb.DuckDBPyConnection, history: list[Life]
) -> None:
    """By the incidence of success and failure among them, each age on its own, whatever other ages there are."""
    ages = [0.0, 3.0, 17.5, 30.0, 31.0, 55.0, 70.0]
    for youngest in (ages, ages[3:], ages[-1:]):
        fill(con, [*tasks(history, NOON - HOUR), *tasks([(None, age) for age in youngest], NOON)])
        found = chances(con)
        for age in youngest:
            assert found[age] == pytest.approx(conditional(history, age), abs=1e-9)


def test_the_projection_counts_each_task_in_flight_with_its_chance(con: duckdb.DuckDBPyConnection) -> None:
    """Half of those that reach 40 s fail, a quarter of all: 3 failed and 2 * 1/2 + 4 * 1/4 to come, of 20."""
    history: list[Life] = [*[("SUCCESS", 20.0)] * 50, *[("FAILURE", 60.0)] * 25, *[("SUCCESS", 90.0)] * 25]
    young: list[Life] = [*ended(11, 3), (None, 40.0), (None, 41.0), *[(None, 5.0)] * 4]
    fill(con, [*tasks(history, NOON - HOUR), *tasks(young, NOON)])
    assert con.execute(LAST.format("failure_rate, projected_failure_rate")).fetchall() == [
        (3 / 14, pytest.approx((3 + 2 / 2 + 4 / 4) / 20))
    ]


def test_a_task_older_than_any_that_ended_has_the_chance_of_the_twenty_longest_and_beyond_follow_up_none(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """One task alone decides nothing: here the longest succeeded, and five of the twenty longest failed."""
    history: list[Life] = [("SUCCESS", float(one)) for one in range(1, 100)]
    history = [("FAILURE", t) if t is not None and 80 <= t < 85 else (event, t) for event, t in history] + [
        (None, 500.0)
    ]
    fill(con, [*tasks(history, NOON - HOUR), *tasks([(None, 79.5), (None, 97.5), (None, 100.0), (None, 500.5)], NOON)])
    found = chances(con)
    assert found[79.5] == found[97.5] == found[100.0] == pytest.approx(5 / 20)
    assert found[500.5] is None, "nobody was followed so long"


def test_with_fewer_than_twenty_before_it_a_tasks_age_does_not_count(con: duckdb.DuckDBPyConnection) -> None:
    """Its chance is the share of failures among them."""
    fill(con, [*tasks(ended(14, 5), NOON - HOUR), *tasks([(None, 1.0), (None, 45.0), (None, 70.0)], NOON)])
    assert chances(con) == pytest.approx({1.0: 5 / 19, 45.0: 5 / 19, 70.0: None})


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([], id="nothing before it"),
        pytest.param([(None, 3000.0)] * 30, id="all before it still run"),
        pytest.param([("FAILURE", None)] * 30, id="ends without a time"),
    ],
)
def test_without_history_the_projection_is_unknown(con: duckdb.DuckDBPyConnection, history: list[Life]) -> None:
    """NULL rather than an invented number, also for a day of which all else is known."""
    fill(con, [*tasks(history, NOON - HOUR), *tasks([*ended(5, 5), (None, 30.0)], NOON)])
    assert chances(con)[30.0] is None
    assert con.execute(LAST.format("failure_rate, projected_failure_rate")).fetchall() == [(0.5, None)]
    assert con.execute("select projected_failure_rate from failure_rate_daily").fetchall() == [(None,)]


def test_a_ghost_of_the_first_hour_does_not_take_its_rate_away_for_good(con: duckdb.DuckDBPyConnection) -> None:
    """Nothing came before it, and it never ends: once nobody waits for it, what is known counts, and it is doubt."""
    fill(con, tasks([*ended(36, 4), (None, 100.0)], NOON))
    columns = "projected_failure_rate, projected_failure_rate_low, projected_failure_rate_high, unprojected"
    assert con.execute(LAST.format("projected_failure_rate, unprojected")).fetchall() == [(None, 1)]
    fill(con, tasks([*ended(36, 4), (None, 9000.0)], NOON))
    [(projected, low, high, ghosts)] = con.execute(LAST.format(columns)).fetchall()
    assert (projected, low, high, ghosts) == (4 / 40, 4 / 41, 5 / 41, 1)


def test_no_task_of_the_same_hour_or_later_or_of_another_kind_counts(con: duckdb.DuckDBPyConnection) -> None:
    """No peeking: however those ended, the chance is the same."""
    before = tasks(drawn(1, 200, 0.2, 0.1, 1), NOON - HOUR)
    youngest = tasks([(None, 30.0)], NOON, task_id="youngest")
    others = [
        *tasks(drawn(2, 200, 0.9, 0.0, 1), NOON + HOUR / 2),
        *tasks(drawn(3, 200, 0.9, 0.0, 1), NOON + 2 * HOUR),
        *tasks(drawn(4, 200, 0.9, 0.0, 1), NOON - HOUR, action="dance"),
        *tasks(drawn(5, 200, 0.9, 0.0, 1), NOON - HOUR, action=None),
        *tasks(drawn(6, 200, 0.9, 0.0, 1), NOON - HOUR, source="there"),
    ]
    query = "select p_failure, history_ended from failure_chance where task_id = 'youngest'"
    fill(con, [*before, *youngest])
    alone = con.execute(query).fetchall()
    fill(con, [*before, *youngest, *others])
    assert con.execute(query).fetchall() == alone
    assert alone[0][1] == sum(row["is_terminal"] for row in before)


def test_the_history_reaches_back_over_two_thousand_ends_in_whole_hours(con: duckdb.DuckDBPyConnection) -> None:
    """What was before that is forgotten; hours in which nothing ended are skipped."""
    rows = [*tasks(ended(0, 900), NOON - 9 * HOUR), *tasks([(None, 5.0)] * 50, NOON - 8 * HOUR)]
    rows += [*tasks(ended(1200, 0), NOON - 7 * HOUR), *tasks(ended(800, 0), NOON - 2 * HOUR)]
    query = "select p_failure, history_ended from failure_chance where task_id = 'youngest'"
    youngest = tasks([(None, 3.0)], NOON, task_id="youngest")
    fill(con, [*rows, *youngest])
    assert con.execute(query).fetchall() == [(0, 2000)]
    fill(con, [*rows[:-1], *youngest])
    assert con.execute(query).fetchall() == [(pytest.approx(900 / 2899), 2899)]


def test_a_kind_without_an_action_is_projected_too(con: duckdb.DuckDBPyConnection) -> None:
    """NULL is a kind like any other."""
    fill(con, [*tasks(ended(30, 10), NOON - HOUR, None), *tasks([*ended(1, 0), (None, 1.0)], NOON, None)])
    assert con.execute(LAST.format("projected_failure_rate")).fetchall() == [(pytest.approx(0.25 / 2),)]


def test_a_day_is_the_sum_of_its_hours(con: duckdb.DuckDBPyConnection) -> None:
    """Counts and projected failures alike."""
    fill(con, frozen(rush_world(1, 2000, NOON), NOON))
    total = """
        select action, sum(submitted), sum(failed), sum(in_flight),
            sum(projected_failure_rate * (submitted - unknown - unprojected))
        from failure_rate_{} group by action order by action
    """
    hourly, daily = (con.execute(total.format(unit)).fetchall() for unit in ("hourly", "daily"))
    assert len(daily) == 3
    for one, other in zip(hourly, daily, strict=True):
        assert one[:-1] == other[:-1]
        assert one[-1] == pytest.approx(other[-1])


def test_the_projected_rate_of_the_youngest_hour_is_less_than_half_as_far_from_the_truth_as_the_naive(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """Over eight moments, at each of which a fifth of the tasks runs.

    The error of a moment is that of the hour's rows, each as heavy as it has tasks; the truth is how they ended.
    """
    found = np.array([errors_at(con, 5000, seed) for seed in range(8)])
    running, naive, projected = found.mean(axis=0)
    assert 0.17 < running < 0.23
    assert projected < naive / 2, f"projected {projected:.4f}, naive {naive:.4f}"


def errors_at(con: duckdb.DuckDBPyConnection, count: int, seed: int) -> tuple[float, float, float]:
    """(share of tasks running, error of the naive rate, error of the projected one) at one moment of some hour."""
    now = NOON + timedelta(minutes=67 * seed)
    world = rush_world(seed, count, now)
    fill(con, frozen(world, now))
    [(running,)] = con.execute("select avg((event is null)::integer) from task_latency").fetchall()
    rates = """
        select bucket_start, action, submitted, failure_rate, projected_failure_rate
        from failure_rate_hourly
        where in_flight > 0
        qualify bucket_start = max(bucket_start) over ()
    """
    rows = con.execute(rates).fetchall()
    truth = true_rates(world, rows[0][0])
    weights, naive, projected = np.array([row[2:] for row in rows], dtype=float).T
    true = [truth[action] for _, action, *_ in rows]
    naive_error, projected_error = (np.average(abs(rate - true), weights=weights) for rate in (naive, projected))
    return running, naive_error, projected_error


def true_rates(world: World, since: datetime) -> dict[str, float]:
    """By action: share of failures among those submitted since then, once all have ended."""
    ends = [row for row in frozen(world, world.all_terminal_at(), since) if row["submit_time"] and row["is_terminal"]]
    actions = {row["action"] for row in ends}
    fates = {action: [row["status"] for row in ends if row["action"] == action] for action in actions}
    return {action: statuses.count("FAILURE") / len(statuses) for action, statuses in fates.items()}
