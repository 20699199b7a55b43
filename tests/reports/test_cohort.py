"""A cohort: the warehouse's own views, over the tasks chosen."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import reports.cohort
from reports.cohort import Cohort, choices, open_cohort
from reports.cohort.databases import DATABASES
from reports.errors import UnknownFilterError
from reports.render import report_on
from tests.warehouse.marts.world import END
from warehouse.backends.choose import reader
from warehouse.database.schema import definitions

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from warehouse.paths import DataPaths

SINCE, UNTIL = datetime(2025, 1, 15, 6, tzinfo=UTC), datetime(2025, 1, 18, tzinfo=UTC)
#: Columns that differ from one moment to the next.
BY_THE_CLOCK = {"result_expiry": "seconds_left", "stuck_tasks": "age_seconds"}
VIEWS = sorted(one.name for one in definitions("marts") if one.kind == "view")


def rows(con: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, Any] | None = None) -> list[str]:
    """The rows of a query, sorted, numbers to nine digits."""
    found = con.execute(query, parameters).fetchall()
    return sorted(repr([f"{one:.9g}" if isinstance(one, float) else one for one in row]) for row in found)


@pytest.fixture(scope="module")
def everything(week_paths: DataPaths) -> Iterator[duckdb.DuckDBPyConnection]:
    """All tasks of the week."""
    with closing(open_cohort(week_paths, Cohort())) as con:
        yield con


@pytest.fixture(scope="module")
def some(week_paths: DataPaths) -> Iterator[duckdb.DuckDBPyConnection]:
    """Tasks of one action and three days."""
    with closing(open_cohort(week_paths, Cohort(actions=("avatar-generate",), since=SINCE, until=UNTIL))) as con:
        yield con


@pytest.mark.parametrize("view", VIEWS)
def test_a_cohort_of_all_tasks_is_the_warehouse(view: str, everything: duckdb.DuckDBPyConnection) -> None:
    """Every view of it has the rows of the published view."""
    columns = f"* exclude ({BY_THE_CLOCK[view]})" if view in BY_THE_CLOCK else "*"
    cohort, published = (f"select {columns} from {schema}.{view}" for schema in ("cohort", "published"))  # noqa: S608
    assert rows(everything, cohort) == rows(everything, published)


def test_a_range_of_time_gives_the_curve_that_the_macro_gives(
    some: duckdb.DuckDBPyConnection, week_paths: DataPaths
) -> None:
    """`latency_survival` of the cohort is `latency_survival_between` of all."""
    with reader(week_paths) as con:
        query = "from latency_survival_between($since, $until) where action = 'avatar-generate'"
        expected = rows(con, query, {"since": SINCE, "until": UNTIL})
    assert len(expected) > 50
    assert rows(some, "from cohort.latency_survival") == expected
    shown = rows(some, "select * exclude (source, action) from pooled.latency_survival")
    assert shown == rows(some, "select * exclude (source, action) from cohort.latency_survival")


def test_days_of_a_cohort_are_the_days_of_its_kind(week_paths: DataPaths) -> None:
    """The report's buckets are `failure_rate_daily` and the quantiles of each day, when it has one kind of task."""
    with closing(open_cohort(week_paths, Cohort(actions=("avatar-generate",)))) as con:
        names = (
            "select bucket_start, submitted, failed, in_flight, failure_rate, failure_rate_low, projected_failure_rate"
        )
        shown = rows(con, f"{names} from failure_over_time")
        query = f"{names} from published.failure_rate_daily where action = 'avatar-generate'"
        assert len(shown) == 8
        assert shown == rows(con, query)
        quantiles = con.execute("select bucket_start, p95_seconds, p95_seconds_high from latency_over_time").fetchall()
    with reader(week_paths) as con:
        for begin, seconds, high in quantiles:
            between = (
                "select min(t_seconds) filter (where survival <= 0.05 + 1e-9), "
                "min(t_seconds) filter (where survival_high <= 0.05 + 1e-9 and survival > 0) "
                "from latency_survival_between($begin, $begin + interval 1 day) where action = 'avatar-generate'"
            )
            assert con.execute(between, {"begin": begin}).fetchone() == (seconds, high)


def test_a_projection_uses_the_history_of_all_tasks(week_paths: DataPaths) -> None:
    """The chance of a task in flight is that of the whole warehouse, also in a cohort of the last hours."""
    since = END.replace(hour=11)
    with closing(open_cohort(week_paths, Cohort(since=since))) as con:
        found = rows(con, "from cohort.failure_chance")
        assert len(found) > 5
        assert found == rows(con, "from published.failure_chance where submit_time >= $since", {"since": since})
        stuck = "select * exclude (age_seconds) from {}.stuck_tasks where submit_time >= $since"
        assert rows(con, stuck.format("cohort"), {"since": since}) == rows(
            con, stuck.format("published"), {"since": since}
        )


def test_tasks_under_way_when_the_range_begins_are_under_way(week_paths: DataPaths) -> None:
    """Whenever they were submitted."""
    with closing(open_cohort(week_paths, Cohort(since=END.replace(hour=11)))) as con:
        [(shown,)] = con.execute("select max(most_in_flight) from in_flight_over_time").fetchall()
        query = (
            "select max(in_flight) from (select sum(in_flight) as in_flight from published.in_flight_by_minute where "
        )
        [(expected,)] = con.execute(
            f"{query} minute >= $since group by minute)", {"since": END.replace(hour=11)}
        ).fetchall()
    assert shown == expected


def test_a_template_is_that_of_the_work(week_paths: DataPaths, everything: duckdb.DuckDBPyConnection) -> None:
    """Tasks whose work has another, or has not come, are out."""
    known = choices(everything).iter_rows(named=True)
    template = next(row for row in known if row["filter_name"] == "template")
    with closing(open_cohort(week_paths, Cohort(templates=(template["value"],)))) as con:
        assert con.execute("select count(*) from cohort.tasks").fetchall() == [(template["tasks"],)]
        assert con.execute("select distinct template_id from cohort.works").fetchall() == [(template["value"],)]


def test_few_tasks_that_are_kept_are_those_that_many_are_looked_for(
    week_paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page about the tasks with a value is the same, whether they are kept in a table or not."""
    cohort = Cohort(values=(("input_kind", "text+audio+video"),), since=SINCE)
    kept = report_on(week_paths, cohort, END)
    monkeypatch.setattr(reports.cohort, "_FEW", 0)
    looked_for = report_on(week_paths, cohort, END)
    assert 0 < kept.facts["tasks"] < 840
    assert kept.facts == looked_for.facts
    assert [one.says for one in kept.figures] == [one.says for one in looked_for.figures]


def test_an_unknown_filter_is_refused_by_name(week_paths: DataPaths) -> None:
    """With what there is; and quotes do not reach the SQL."""
    with pytest.raises(UnknownFilterError, match=r"no task has the action .x'' or 1=1.: the warehouse has avatar-"):
        open_cohort(week_paths, Cohort(actions=("x'' or 1=1",)))


def test_every_database_has_each_table(everything: duckdb.DuckDBPyConnection) -> None:
    """So that a cell that a user adds may name any."""
    for name in DATABASES:
        for table in definitions("tables"):
            everything.execute(f"from {name}.{table.name} limit 0")
