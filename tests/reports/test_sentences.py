"""The report's sentences, word for word, from plain SQL over the tables and from other people's formulas.

Of these sentences only what is compared with chance is elsewhere: `test_stationary`, and the drivers and steps of
`test_comparison`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from reports import words
from reports.cohort import Cohort
from reports.render import report_on
from tests.reports.conftest import NOW, TASK, Made, published
from tests.warehouse.marts.statistics.oracles import aalen_johansen, first_time_at_or_below, kaplan_meier, wilson
from warehouse.backends.choose import reader

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from tests.warehouse.marts.statistics.frozen import Life

LIVES: Final = """
    select
        if(is_terminal, status, null),
        if(is_terminal, latency_seconds, epoch(last_observed_at) - epoch(submit_time)) as seconds,
    from tasks
    where submit_time is not null and status <> 'UNKNOWN' and seconds is not null
"""
COUNTS: Final = """
    select
        count(*) filter (where status = 'FAILURE'),
        count(*) filter (where is_terminal),
        count(*) filter (where status = 'FAILURE' and fail_class = 'provider'),
        count(*) filter (where not is_terminal and status <> 'UNKNOWN'),
    from tasks
"""


@pytest.fixture
def con(week: Made) -> Any:  # noqa: ANN401 - a generator of connections
    with reader(week.paths) as con:
        yield con


def one(con: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    [row] = con.execute(query).fetchall()
    return tuple(row)


def says(made: Made) -> dict[str, str]:
    return {figure.key: figure.says for figure in made.report.figures}


def lives(con: duckdb.DuckDBPyConnection) -> list[Life]:
    return [(event, seconds) for event, seconds in con.execute(LIVES).fetchall()]


def shown(low: float, high: float) -> str:
    return words.interval(words.percent(low), words.percent(high))


def test_the_failure_rate_has_the_interval_of_wilson(week: Made, con: duckdb.DuckDBPyConnection) -> None:
    """By statsmodels, of the rate and of the provider's share in it; in the sentence and in the tile."""
    failed, ended, of_provider, _ = one(con, COUNTS)
    bounds = shown(*wilson(failed, ended))
    rate = words.percent(failed / ended)
    begins = f"{failed:,} of {ended:,} tasks that ended have failed: {rate} ({bounds})."
    assert says(week)["failure"].startswith(begins)
    tile = next(tile for tile in week.report.tiles if tile.key == "failure_rate")
    assert (tile.shown, tile.range_shown) == (rate, bounds)
    share = words.percent(of_provider / ended)
    assert f"by the provider {share} ({shown(*wilson(of_provider, ended))})" in tile.notes


def test_the_projected_rate_adds_what_is_expected_of_those_in_flight(
    week: Made, con: duckdb.DuckDBPyConnection
) -> None:
    failed, ended, _, in_flight = one(con, COUNTS)
    (expected, known) = one(con, "select sum(p_failure), count(p_failure) from failure_chance")
    without = in_flight - known
    assert min(without, known) > 0
    projected = words.percent((failed + expected) / (ended + known))
    assert says(week)["failure"].endswith(
        f"Once the {in_flight:,} in flight have ended (not counting {without:,}, as none like them has been seen to "
        f"end), {projected} are expected to have failed."
    )


def test_half_and_one_in_twenty_are_those_of_lifelines(week: Made, con: duckdb.DuckDBPyConnection) -> None:
    """Of all kinds together, with the intervals of the tiles."""
    curve = kaplan_meier(lives(con))
    tiles = {tile.key: tile for tile in week.report.tiles}
    found = {}
    for key, share in (("p50_seconds", 0.5), ("p95_seconds", 0.05)):
        time, low, high = (
            words.duration(first_time_at_or_below(curve.t, one, share + 1e-9))
            for one in (curve.survival, curve.low, curve.high)
        )
        assert (tiles[key].shown, tiles[key].range_shown) == (time, words.interval(low, high))
        found[key] = time
    half = f"Half of the tasks have ended within {found['p50_seconds']}"
    assert says(week)["latency"].startswith(f"{half}; one in twenty takes longer than {found['p95_seconds']}.")
    assert f"{half}, one in twenty takes longer than {found['p95_seconds']}." in week.report.in_short


def test_how_all_have_ended_is_by_the_formula_of_aalen_and_johansen(week: Made, con: duckdb.DuckDBPyConnection) -> None:
    """The first times at which half and nine in ten have succeeded, and the shares at the last."""
    curve = aalen_johansen(lives(con))
    half, most = (words.duration(next(t for t, success, *_ in curve if success >= share)) for share in (0.5, 0.9))
    _, success, failure, running = curve[-1]
    said = says(week)["outcome"]
    assert said.startswith(f"Half of all tasks have succeeded after {half}, nine in ten after {most}. ")
    assert said.endswith(
        f", {words.percent(success)} have succeeded, {words.percent(failure)} have failed "
        f"and {words.percent(running)} still run."
    )


def test_whose_fault_failures_are_is_what_their_rules_say(week: Made, con: duckdb.DuckDBPyConnection) -> None:
    shares = con.execute("""
        select 100 * count(*) / sum(count(*)) over ()
        from tasks where status = 'FAILURE'
        group by fail_class order by count(*) desc, fail_class""").fetchall()
    said = says(week)["reasons"].partition("Failures by cause: ")[2]
    assert [part.split("%")[0] for part in said.split(", ")] == [f"{share:.0f}" for (share,) in shares]


def test_how_many_are_under_way_is_counted_minute_by_minute(week: Made, con: duckdb.DuckDBPyConnection) -> None:
    """At most, on average, and between what bounds, as the ends of some have no time."""
    most, low, middle, high = one(
        con,
        """
        select max(middle), avg(low), avg(middle), avg(high)
        from (
            select minute, sum(low) as low, sum(middle) as middle, sum(high) as high
            from in_flight_by_minute
            group by minute
        )""",
    )
    said = says(week)["in-flight"]
    assert said.startswith(f"At most {most:,} tasks were under way at a time, at ")
    assert said.endswith(f"; {middle:.2f} on average (between {low:.2f} and {high:.2f}: the end of some has no time).")


def test_waiting_and_running_are_those_of_successes_with_a_known_start(
    week: Made, con: duckdb.DuckDBPyConnection
) -> None:
    waits, runs, share, known = one(
        con,
        """
        select
            median(queue_seconds),
            median(run_seconds),
            sum(if(run_seconds is null, 0, queue_seconds)) / sum(queue_seconds + run_seconds),
            count(start_time) / count(*),
        from tasks
        where status = 'SUCCESS'""",
    )
    assert says(week)["queue"].startswith(
        f"Half start within {words.duration(waits)} and run for {words.duration(runs)} or less; overall, "
        f"{words.percent(share)} of the time is waiting. The start of {words.percent(known)} of the successes is known."
    )


def test_answers_of_use_are_counted(week: Made, con: duckdb.DuckDBPyConnection) -> None:
    useful, total = one(con, "select count(*) filter (where outcome = 'task'), count(*) from observations")
    share = words.percent(useful / total)
    some = f"{useful:,} of {total:,} answers contained a task: {share}."
    assert says(week)["answers"] == (some if useful < total else f"All {total:,} answers contained a task.")


GOOD: Final = """
    select
        objectives.name,
        target,
        count(*) filter (where status = 'SUCCESS' and latency_seconds <= seconds) as good,
        count(*) filter (where status = 'FAILURE' or latency_seconds > seconds) as missed,
    from tasks
    inner join objectives using (source)
    group by all
"""

#: Of each objective, which is for a gateway of its own: how many tasks missed it, and what is said to be left.
BUDGETS: Final = {
    "a: none missed": (0, "100% of the month's error budget is left, which will last"),
    "b: half spent": (5, "50% of the month's error budget is left, which will last"),
    "c: more than all": (11, "the month's error budget is spent"),
}


def test_what_is_left_of_the_budget_is_what_was_not_missed(tmp_path: Path) -> None:
    """Of 1,000 tasks of a month that is over ten may be missed at a target of 99%."""

    def put(con: duckdb.DuckDBPyConnection) -> None:
        for name, (slow, _) in BUDGETS.items():
            con.execute(TASK, {"status": "SUCCESS", "number": 1000})
            con.execute(
                """
                update tasks set
                    source = $name,
                    latency_seconds = if(task_id in (select 'task-' || range from range($slow)), 91, 60)
                where source = 'default'
                """,
                {"name": name, "slow": slow},
            )
            con.execute("insert into objectives values ($1, $1, null, 90, 0.99)", [name])

    paths = published(tmp_path, put)
    with reader(paths) as con:
        kept = {name: rest for name, *rest in con.execute(GOOD).fetchall()}
    for name, (slow, _) in BUDGETS.items():
        target, good, missed = kept[name]
        assert (good, missed) == (1000 - slow, slow)
        assert 1 - missed / ((1 - target) * (good + missed)) == pytest.approx(1 - slow / 10)
    report = report_on(paths, Cohort(), NOW + timedelta(days=30))
    [said] = [figure.says for figure in report.figures if figure.key == "objectives"]
    each = [
        f"{name}: {words.percent(1 - slow / 1000)} of 1,000 were good, 99% should be, and {left}"
        for name, (slow, left) in BUDGETS.items()
    ]
    assert said == f"{'; '.join(each)}."


@pytest.mark.parametrize(
    ("number", "said"),
    [
        pytest.param(19, "how long the slowest of them take is not known yet", id="one fewer"),
        pytest.param(20, f"one in twenty takes longer than {words.duration(78)}", id="enough"),
    ],
)
def test_one_in_twenty_takes_twenty_tasks(tmp_path: Path, number: int, said: str) -> None:
    """Of fewer it would be a part of one."""

    def put(con: duckdb.DuckDBPyConnection) -> None:
        con.execute(TASK, {"status": "SUCCESS", "number": number})
        con.execute("update tasks set latency_seconds = 60 + regexp_extract(task_id, '[0-9]+')::integer")

    report = report_on(published(tmp_path, put), Cohort(), NOW)
    [latency] = [figure.says for figure in report.figures if figure.key == "latency"]
    assert said in latency
    assert ("one in twenty" in " ".join(report.in_short)) is (number == 20)


def test_tasks_of_which_nothing_is_known_are_not_said_to_have_no_times(tmp_path: Path) -> None:
    """Of thirty tasks of an unknown status nobody knows when they were under way, nor whether they were good."""

    def put(con: duckdb.DuckDBPyConnection) -> None:
        con.execute(TASK, {"status": "UNKNOWN", "number": 30})
        con.execute("insert into objectives values ('within-90-s', null, null, 90, 0.99)")

    says = {figure.key: figure.says for figure in report_on(published(tmp_path, put), Cohort(), NOW).figures}
    assert says["in-flight"].startswith("No task of a known status has a time of submission")
    assert says["objectives"] == "within-90-s: no task counts for it yet."
