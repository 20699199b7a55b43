"""Two periods compared: the verdict, its sentences, and how rarely it is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from scipy import stats  # type: ignore[import-untyped]

from reports.comparison.facts import Change, Comparison, Driver, Period
from reports.comparison.formats import as_dict, as_lines, as_markdown
from reports.comparison.read import compare
from reports.comparison.sentences import sentences
from tests.reports.conftest import TASK
from tests.warehouse.marts.statistics.planted import START, fill
from tests.warehouse.tables import rolled_back

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

WEEK: Final = timedelta(days=7)
END: Final = START + 2 * WEEK
STEP: Final = START + timedelta(days=8, hours=9)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory, its tables empty."""
    with rolled_back() as con:
        yield con


def compared(con: duckdb.DuckDBPyConnection, seed: int, **world: Any) -> Comparison:  # noqa: ANN401 - options of fill
    fill(con, seed, days=14, **world)
    return compare(con, WEEK, END)


def hear(con: duckdb.DuckDBPyConnection, at: datetime) -> None:
    """A usable answer."""
    con.execute(
        "insert into observations (source, task_id, outcome, observed_at) values ('here', 'task-1', 'task', $1)", [at]
    )


def change(metric: Any, difference: float | None, *, is_clear: bool, tasks: int = 500) -> Change:  # noqa: ANN401
    low = None if difference is None or tasks < 20 else difference - 0.01
    return Change(metric, tasks, tasks, 0.1, 0.1, difference, low, low, difference, 0.01, 0.01, is_clear)


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ({"failure_rate": 0.1}, "worse"),
        ({"p95_seconds": 9.0}, "worse"),
        ({"failure_rate": -0.1}, "better"),
        ({"p50_seconds": -5.0, "p95_seconds": -9.0}, "better"),
        ({"failure_rate": 0.1, "p50_seconds": -5.0}, "better and worse"),
        ({}, "no clear change"),
    ],
)
def test_the_verdict_follows_from_what_is_clear(differences: dict[str, float], verdict: str) -> None:
    """Worse if any metric is clearly worse and none clearly better; both are named where there are both."""
    changes = [
        change(metric, differences.get(metric, 3.0), is_clear=metric in differences)
        for metric in ("failure_rate", "p50_seconds", "p95_seconds")
    ]
    assert Comparison(Period(START, END), Period(START, END), tuple(changes)).verdict == verdict


def test_a_step_is_said_in_words_with_its_interval_and_its_hour(con: duckdb.DuckDBPyConnection) -> None:
    """Also what does not change clearly is in the table."""
    found = compared(con, 3, tasks=8000, step_at=STEP)
    first, rate, step = sentences(found)
    assert (found.verdict, first) == ("worse", "Worse than the 7 days before.")
    assert rate == "The failure rate rose from 6.6% to 40.7% (+34.2 points; 95% interval +32.5 to +35.9)."
    assert step == "Since 9 Jun 2026 09:00 UTC the failure rate of avatar at here is 48.8%; before, it was 6.8%."
    assert [one.is_clear for one in found.changes] == [True, False, False]


def test_a_step_of_the_last_hours_is_in_the_first_sentence(con: duckdb.DuckDBPyConnection) -> None:
    """Too short to change the week clearly: it is not put down to chance."""
    first, *_ = sentences(compared(con, 3, tasks=12_000, step_at=END - timedelta(hours=2)))
    step = "the failure rate of avatar at here rose on 14 Jun 2026 21:00 UTC"
    assert first == f"No clear change from the 7 days before as a whole, but {step}."


def test_what_got_faster_is_better(con: duckdb.DuckDBPyConnection) -> None:
    """The world of a step to slow, with its weeks exchanged."""
    fill(con, 3, tasks=8000, days=14, step_at=START + WEEK, step="slow")
    con.execute(
        "update tasks set submit_time = submit_time + if(submit_time < $1, 1, -1) * interval 7 days", [START + WEEK]
    )
    con.execute("update tasks set last_observed_at = submit_time + interval 2 days")
    found = compare(con, WEEK, END)
    assert found.verdict == "better"
    assert any("before within" in line and "\u2212" in line for line in sentences(found))


def test_the_drivers_are_what_fails_more_or_takes_longer(con: duckdb.DuckDBPyConnection) -> None:
    """Not those that do better because another does worse, nor a weekday that came once."""
    found = compared(con, 3, tasks=8000, cause="slow", step_at=STEP)
    assert (found.drivers[0].dimension, found.drivers[0].value) == ("voice_engine_id", "v2")
    assert all((one.failure_effect or 0) > 0 or (one.latency_effect or 0) > 1 for one in found.drivers)
    assert not any(one.dimension == "weekday" for one in found.drivers)


def test_a_shift_of_the_mix_is_said_to_be_one(con: duckdb.DuckDBPyConnection) -> None:
    """Twice as many of the kind that fails more: like with like nothing changed."""
    fill(con, 4, days=14)
    con.execute(
        """
        update tasks set
            action = if(hash(task_id) % 10 < if(submit_time >= '2026-06-08 00:00:00Z', 6, 3), 'hard', 'easy'),
            status = 'SUCCESS';
        update tasks set status = 'FAILURE' where action = 'hard' and hash(task_id || 'x') % 10 < 3
        """
    )
    assert any("comes from another mix of tasks" in line for line in sentences(compare(con, WEEK, END)))


@pytest.mark.parametrize("tasks", [0, 1, 30])
def test_too_few_tasks_are_not_known(con: duckdb.DuckDBPyConnection, tasks: int) -> None:
    """Fifteen in each week, all failed in one of them: it takes twenty."""
    fill(con, 7, tasks=tasks, days=14)
    con.execute("update tasks set status = if(submit_time < $1, 'SUCCESS', 'FAILURE')", [START + WEEK])
    found = compare(con, WEEK, END)
    assert found.verdict == "not known"
    assert "it takes 20 tasks in each period" in sentences(found)[0]


def test_stale_is_not_known(con: duckdb.DuckDBPyConnection) -> None:
    """Ids have been due for hours and no answer has come: the week is not over for those who count."""
    fill(con, 3, days=14, tasks=8000, step_at=STEP)
    hear(con, END - timedelta(hours=5))
    con.execute("insert into polling_policy values ('here', 0.25, 15, 3600, 3, 1e10)")
    assert compare(con, WEEK, END).verdict == "worse"
    con.execute(
        "insert into pending by name select 'here' as source, 'open' as task_id, $1 as requested_at, "
        "$1 as last_asked_at, 0 as missing_count",
        [END - timedelta(hours=6)],
    )
    found = compare(con, WEEK, END)
    assert found.verdict == "not known"
    assert "no usable answer has come from here since 14 Jun 2026 19:00 UTC although ids are due" in sentences(found)[0]


def test_the_later_period_ends_with_the_last_answer(con: duckdb.DuckDBPyConnection) -> None:
    """Of what came after it nothing is known."""
    fill(con, 3, days=14, tasks=200)
    heard = END - timedelta(hours=1)
    hear(con, heard)
    found = compare(con, WEEK, END + timedelta(days=30))
    assert (found.earlier, found.later) == (Period(heard - 2 * WEEK, heard - WEEK), Period(heard - WEEK, heard))


def test_periods_that_overlap_are_refused(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ValueError, match="after the later one begins"):
        compare(con, WEEK, END, END - timedelta(days=10))


def test_every_format_says_the_same(con: duckdb.DuckDBPyConnection) -> None:
    """The same sentences and figures for people, for chats and for programs."""
    found = compared(con, 3, tasks=8000, cause="fail", step_at=STEP, step="slow")
    lines, markdown, plain = "\n".join(as_lines(found)), as_markdown(found).replace("\\", ""), as_dict(found)
    assert plain["verdict"] == "worse"
    for sentence in plain["sentences"]:
        assert sentence in lines
        assert sentence in markdown
    assert plain["later"]["start"] == "2026-06-08T00:00:00+00:00"
    assert [one["metric"] for one in plain["changes"]] == ["failure_rate", "p50_seconds", "p95_seconds"]


@pytest.mark.parametrize(("later", "steps"), [(60, []), (90, [(60.0, 90.0)])])
def test_where_all_take_the_same_time_rounding_makes_no_step(
    con: duckdb.DuckDBPyConnection, later: int, steps: list[tuple[float, float]]
) -> None:
    """A task every hour, all of a minute: no spread is left but that of rounding. A step from there is one."""
    con.execute(TASK, {"status": "SUCCESS", "number": 360})
    con.execute(
        """
        update tasks set
            submit_time = '2025-01-01 00:00:00Z'::timestamptz + to_hours(substr(task_id, 6)::integer),
            latency_seconds = if(substr(task_id, 6)::integer < 180, 60, $1)""",
        [later],
    )
    found = con.execute("select before, after from change_points_between('-infinity', 'infinity')").fetchall()
    assert [(round(before, 6), round(after, 6)) for before, after in found] == steps


def test_what_others_wrote_is_no_markdown() -> None:
    """A template's id may be anything."""
    driver = Driver("template_id", "<b>|[x](http://y)*\nz", 30, 0.2, 0.1, 0.3, None, None, None)
    shown = as_markdown(Comparison(Period(START, END), Period(START, END), (), (driver,)))
    assert r"Template \<b\>\|\[x\](http://y)\* z: 30 tasks" in shown


WORLDS: Final = 300


def share_with_a_verdict(con: duckdb.DuckDBPyConnection, worlds: range, **world: Any) -> float:  # noqa: ANN401
    """In how many worlds it says anything but no clear change."""
    return sum(compared(con, seed, **world).verdict != "no clear change" for seed in worlds) / len(worlds)


def test_worlds_in_which_nothing_changes_have_no_clear_change(con: duckdb.DuckDBPyConnection) -> None:
    """Of 12 worlds at most 3; these seeds are fixed, and all worlds of the long form are at most one in twenty."""
    assert share_with_a_verdict(con, range(1000, 1012), tasks=2000) <= 3 / 12


@pytest.mark.soak
def test_stationary_worlds_have_no_clear_change_in_nineteen_of_twenty(con: duckdb.DuckDBPyConnection) -> None:
    """Beyond 5% only as far as chance goes with 300 worlds."""
    share = share_with_a_verdict(con, range(WORLDS), tasks=4000)
    print(f"compare: no clear change in {1 - share:.1%} of {WORLDS} stationary worlds")  # noqa: T201 - the figure of docs/statistics.md
    assert share <= stats.binom.ppf(0.975, WORLDS, 0.05) / WORLDS


def test_times_are_in_utc(con: duckdb.DuckDBPyConnection) -> None:
    """Whatever the session's time zone."""
    con.execute("set timezone = 'Asia/Shanghai'")
    found = compared(con, 3, tasks=8000, step_at=STEP)
    assert found.steps[0].changed_at == datetime(2026, 6, 9, 9, tzinfo=UTC)
    assert "9 Jun 2026 09:00 UTC" in sentences(found)[-1]
