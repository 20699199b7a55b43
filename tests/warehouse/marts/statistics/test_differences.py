"""What differs, since when and compared with what: right by other implementations, and rarely wrong by chance."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]
from statsmodels.stats.contingency_tables import StratifiedTable  # type: ignore[import-untyped]
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]
from statsmodels.stats.proportion import confint_proportions_2indep  # type: ignore[import-untyped]

from tests.warehouse.marts.statistics.planted import START, fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

WEEKS = (
    "period_comparison('2026-06-01 00:00:00Z', '2026-06-08 00:00:00Z', '2026-06-08 00:00:00Z', '2026-06-15 00:00:00Z')"
)


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    result = con.execute(query)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def test_failure_tests_are_those_of_cochran_mantel_and_haenszel(con: duckdb.DuckDBPyConnection) -> None:
    """p-values before their correction, and the risk difference with its variance, of every template."""
    fill(con, 1, cause="fail")
    found = {row["value"]: row for row in rows(con, "from drivers where dimension = 'template_id'")}
    for template, row in found.items():
        tables = con.execute(
            """
            select
                count(*) filter (where template_id = $template and status = 'FAILURE'),
                count(*) filter (where template_id = $template and status = 'SUCCESS'),
                count(*) filter (where template_id <> $template and status = 'FAILURE'),
                count(*) filter (where template_id <> $template and status = 'SUCCESS'),
            from tasks join works using (source, task_id)
            group by date_trunc('day', submit_time)
            """,
            {"template": template},
        ).fetchall()
        shaped = [np.array(table, dtype=float).reshape(2, 2) for table in tables]
        weights = [one[0].sum() * one[1].sum() / one.sum() for one in shaped]
        effects = [one[0, 0] / one[0].sum() - one[1, 0] / one[1].sum() for one in shaped]
        assert row["failure_effect"] == pytest.approx(np.average(effects, weights=weights), rel=1e-9)
        assert row["failed"] == sum(table[0] for table in tables)
        expected = StratifiedTable(shaped).test_null_odds(correction=True)
        assert row["failure_p_value"] == pytest.approx(expected.pvalue, rel=1e-6)


def test_q_values_are_those_of_benjamini_and_hochberg(con: duckdb.DuckDBPyConnection) -> None:
    """Over all that was looked at: failures and latencies of every value together, every metric, every hour."""
    fill(con, 2, tasks=10_000, days=14, cause="slow")
    con.execute("update tasks set status = 'FAILURE' where hash(task_id) % 3 = 0 and submit_time > '2026-06-14'")
    of_drivers = """
        from (
            select unnest([failure_p_value, latency_p_value]) as p_value, is_clear,
                unnest([failure_q_value, latency_q_value]) as q_value,
                least(failure_q_value, latency_q_value) as least_q
            from drivers
        )
    """
    looks = {
        WEEKS: f"select p_value, q_value, is_clear, q_value from {WEEKS}",  # noqa: S608 - a constant
        "drivers": f"select p_value, q_value, is_clear, least_q {of_drivers}",
        "failure_anomalies": "select p_value, q_value, is_anomaly, q_value from failure_anomalies",
    }
    for view, query in looks.items():
        found = con.execute(f"from ({query}) where p_value is not null").fetchall()
        expected = multipletests([row[0] for row in found], method="fdr_bh")[1]
        assert [row[1] for row in found] == pytest.approx(list(expected), rel=1e-9)
        flags = [(row[2], row[3] <= (0.03 if view == "drivers" else 0.05)) for row in found]
        assert all(is_flagged is is_below for is_flagged, is_below in flags)
        assert len(set(flags)) == 2


def test_the_difference_of_two_rates_has_the_interval_of_newcombe(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, 3, tasks=2000, days=14)
    [row] = rows(con, f"from {WEEKS} where metric = 'failure_rate' and is_total")
    counts = con.execute(
        """
        select count(*) filter (where status = 'FAILURE'), count(*)
        from tasks
        group by submit_time >= '2026-06-08 00:00:00Z'
        order by min(submit_time)
        """
    ).fetchall()
    (failed_a, n_a), (failed_b, n_b) = counts
    low, high = confint_proportions_2indep(failed_b, n_b, failed_a, n_a, compare="diff", method="newcomb")
    assert (row["difference_low"], row["difference_high"]) == (
        pytest.approx(low, rel=1e-6),
        pytest.approx(high, rel=1e-6),
    )


def test_a_shift_of_the_mix_is_told_from_a_change(con: duckdb.DuckDBPyConnection) -> None:
    """Twice as many of the kind that fails more: the rate rises, and adjusted for the mix it does not."""
    fill(con, 4, tasks=4000, days=14)
    con.execute(
        """
        update tasks set
            action = if(hash(task_id) % 10 < if(submit_time >= '2026-06-08 00:00:00Z', 6, 3), 'hard', 'easy'),
            status = 'SUCCESS';
        update tasks set status = 'FAILURE' where action = 'hard' and hash(task_id || 'x') % 10 < 3
        """
    )
    [total] = rows(con, f"from {WEEKS} where metric = 'failure_rate' and is_total")
    assert total["is_clear"]
    assert total["difference"] > 0.05
    assert abs(total["mix_adjusted_difference"]) < 0.025


def test_a_planted_cause_is_named_first(con: duckdb.DuckDBPyConnection) -> None:
    for cause, expected in (("fail", ("template_id", "t3")), ("slow", ("voice_engine_id", "v2"))):
        fill(con, 5, cause=cause)
        assert con.execute("select dimension, value from drivers where is_clear limit 1").fetchone() == expected


def test_a_weekday_that_came_once_is_only_a_day(con: duckdb.DuckDBPyConnection) -> None:
    """Weekdays are compared in two weeks or more."""
    for days, weekdays in ((7, 0), (14, 7)):
        fill(con, 9, days=days)
        found = rows(con, "from drivers_between('-infinity', 'infinity') where dimension = 'weekday'")
        assert len(found) == weekdays


def test_a_payload_that_is_missing_because_the_task_failed_is_no_cause(con: duckdb.DuckDBPyConnection) -> None:
    """Half of the failed tasks have none: those without a template would all have failed."""
    fill(con, 8)
    for table in ("works", "pt_infos"):
        con.execute(
            f"delete from {table} where task_id in "  # noqa: S608 - one of two names
            "(select task_id from tasks where status = 'FAILURE' and hash(task_id) % 2 = 0)"
        )
    assert rows(con, "from drivers where is_clear") == []


@pytest.mark.parametrize(("step", "metric"), [("fail", "failure_rate"), ("slow", "latency_seconds")])
def test_a_planted_step_is_dated_to_the_hour(con: duckdb.DuckDBPyConnection, step: str, metric: str) -> None:
    """Also where the day has a rhythm of its own."""
    at = START + timedelta(days=8, hours=9)
    fill(con, 6, tasks=8000, days=14, step_at=at, step=step, rhythm=0.1)
    assert con.execute("select metric, changed_at from change_points").fetchall() == [(metric, at)]


def test_too_few_tasks_say_nothing(con: duckdb.DuckDBPyConnection) -> None:
    """Nineteen against nineteen, all failed against none: no interval, no p-value, nothing clear."""
    fill(con, 7, tasks=38, days=14)
    con.execute("update tasks set status = if(submit_time < '2026-06-08 00:00:00Z', 'SUCCESS', 'FAILURE')")
    con.execute("delete from tasks where submit_time < '2026-06-01 01:00:00Z'")
    found = rows(con, f"from {WEEKS}")
    if min(row["n_a"] for row in found) < 20:
        assert all(row["p_value"] is None and not row["is_clear"] for row in found)
    assert con.execute("select count(*) from change_points").fetchone() == (0,)


WORLDS = 300


def shares_of_worlds(
    con: duckdb.DuckDBPyConnection,
    queries: Sequence[str],
    worlds: range,
    **world: Any,  # noqa: ANN401 - options of `fill`
) -> list[float]:
    """Of how many worlds the value of each query is true."""
    hits = [0] * len(queries)
    for seed in worlds:
        fill(con, seed, **world)
        for number, query in enumerate(queries):
            [(is_hit,)] = con.execute(query).fetchall()
            hits[number] += bool(is_hit)
    return [one / len(worlds) for one in hits]


def share_of_worlds(con: duckdb.DuckDBPyConnection, query: str, worlds: range, **world: Any) -> float:  # noqa: ANN401
    """Of how many worlds the query's value is true."""
    [share] = shares_of_worlds(con, [query], worlds, **world)
    return share


FLAGS: dict[str, tuple[str, dict[str, Any]]] = {
    "drivers": ("select count(*) > 0 from drivers where is_clear", {}),
    "change_points": ("select count(*) > 0 from change_points", {"days": 14}),
    "change_points, rhythm of the day": ("select count(*) > 0 from change_points", {"days": 14, "rhythm": 0.2}),
    "period_comparison": (f"select count(*) > 0 from {WEEKS} where is_clear", {"days": 14}),  # noqa: S608 - a constant
}


@pytest.mark.parametrize(
    "views", [["drivers"], ["change_points", "period_comparison"], ["change_points, rhythm of the day"]]
)
def test_worlds_in_which_nothing_changes_raise_few_flags(con: duckdb.DuckDBPyConnection, views: list[str]) -> None:
    """Of 12 worlds at most 3: with 5% of worlds flagged more come in 2 of 1,000 suites, and these seeds are fixed."""
    [world, *others] = [FLAGS[view][1] for view in views]
    assert all(other == world for other in others)
    shares = shares_of_worlds(con, [FLAGS[view][0] for view in views], range(1000, 1012), tasks=2500, **world)
    assert max(shares) <= 3 / 12, dict(zip(views, shares, strict=True))


@pytest.mark.soak
@pytest.mark.parametrize("view", FLAGS)
def test_stationary_worlds_raise_a_flag_in_at_most_one_of_twenty(con: duckdb.DuckDBPyConnection, view: str) -> None:
    """Beyond 5% only as far as chance goes with 300 worlds."""
    query, world = FLAGS[view]
    share = share_of_worlds(con, query, range(WORLDS), tasks=4000, **world)
    print(f"{view}: a flag in {share:.1%} of {WORLDS} stationary worlds")  # noqa: T201 - the figures of docs/statistics.md
    assert share <= stats.binom.ppf(0.975, WORLDS, 0.05) / WORLDS


FIRST = "select dimension = '{}' and value = '{}' from drivers where is_clear union all select false limit 1"
DATED = "select count(*) > 0 from change_points where changed_at = '2026-06-09 09:00:00Z' and metric = '{}'"
STEP: dict[str, Any] = {"days": 14, "tasks": 8000, "step_at": START + timedelta(days=8, hours=9)}
PLANTED: dict[str, tuple[str, dict[str, Any]]] = {
    "a template that fails thrice as often, named first": (FIRST.format("template_id", "t3"), {"cause": "fail"}),
    "a voice that takes a third longer, named first": (FIRST.format("voice_engine_id", "v2"), {"cause": "slow"}),
    "a step of failures, dated to the hour": (DATED.format("failure_rate"), STEP | {"step": "fail"}),
    "a step of latency, dated to the hour": (DATED.format("latency_seconds"), STEP | {"step": "slow"}),
}


@pytest.mark.soak
@pytest.mark.parametrize("cause", PLANTED)
def test_planted_causes_are_found_in_nine_of_ten_worlds(con: duckdb.DuckDBPyConnection, cause: str) -> None:
    query, world = PLANTED[cause]
    share = share_of_worlds(con, query, range(WORLDS), **world)
    print(f"{cause}: found in {share:.1%} of {WORLDS} worlds")  # noqa: T201 - the figures of docs/statistics.md
    assert share >= 0.9


HOLDS = "select difference_low <= 0 and 0 <= difference_high from {} where is_total and metric = '{}'"
COVERED = {
    "difference of failure rates": HOLDS.format(WEEKS, "failure_rate"),
    "difference of medians": HOLDS.format(WEEKS, "p50_seconds"),
    "difference of 95th percentiles": HOLDS.format(WEEKS, "p95_seconds"),
    "failure effect": "select failure_effect_low <= 0 and 0 <= failure_effect_high from drivers where value = 't3'",
    "latency effect": "select latency_effect_low <= 1 and 1 <= latency_effect_high from drivers where value = 't3'",
}


@pytest.mark.soak
@pytest.mark.parametrize("interval", COVERED)
def test_intervals_hold_the_truth_as_often_as_they_say(con: duckdb.DuckDBPyConnection, interval: str) -> None:
    share = share_of_worlds(con, COVERED[interval], range(2000, 2000 + WORLDS), tasks=3000, days=14)
    print(f"{interval}: 95% intervals hold the truth in {share:.1%} of {WORLDS} worlds")  # noqa: T201 - the figures of docs/statistics.md
    assert 0.92 <= share <= 0.985
