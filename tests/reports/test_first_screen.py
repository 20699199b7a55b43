"""The first screen and the examples: a planted change is found, said, dated and shown."""

from __future__ import annotations

import html
import re
import shlex
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from reports.cohort import Cohort, choose
from reports.cohort.used import PACKAGE
from reports.cohort.values import DIMENSIONS, OF_PAYLOAD
from reports.first_screen import periods
from reports.needs import _WORDS
from reports.page import render_page
from reports.render import report_on
from tests.reports.conftest import CHANGED_AT, CHANGED_END, NOW, TASK, Made, Values, published
from tests.reports.test_figures import figure
from tests.warehouse.marts.world import END
from warehouse.backends.choose import reader
from warehouse.database.reader import open_beside_published
from warehouse.database.schema import definitions, with_needed

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from tests.command_line import CommandLine
    from warehouse.paths import DataPaths


#: Views that say `now()` themselves.
_READING_THE_CLOCK: Final = {one.name for one in definitions("marts") if "now()" in one.sql}


def test_a_planted_step_is_the_verdict_and_dated(changed: Made) -> None:
    """Worse than the week before, since the hour in which it was planted."""
    text = " ".join(Values.of(changed.file.read_text(encoding="utf-8")).text)
    screen = changed.report.screen
    assert screen.comparison.verdict == "worse"
    assert "Worse than the 7 days before." in text
    assert [(step.metric, step.changed_at) for step in screen.comparison.steps] == [("failure_rate", CHANGED_AT)]
    assert "Since 9 Jun 2026 09:00 UTC the failure rate of avatar at here is" in text


def test_a_planted_driver_comes_first_with_examples_of_its_tasks(changed: Made) -> None:
    """Of the voice engine that takes longer, its slowest tasks."""
    first = changed.report.screen.drivers[0]
    assert (first.dimension, first.value) == ("voice_engine_id", "v2")
    page = changed.file.read_text(encoding="utf-8")
    part = page[page.index("Examples of what differs") :]
    ids = re.findall(r"<li><code>(.*?)</code>", part[: part.index("</ul>")])
    with reader(changed.paths) as con:
        found = con.execute(
            """
            select task_id from tasks join pt_infos using (source, task_id)
            where status = 'SUCCESS' and voice_engine_id = 'v2' and submit_time >= $1
            order by latency_seconds desc limit 3""",
            [CHANGED_END - timedelta(days=7)],
        ).fetchall()
    assert ids == [one for (one,) in found]


def test_tasks_are_chosen_by_the_dimensions_that_the_drivers_have(week_paths: DataPaths) -> None:
    """For every value of every dimension as many tasks as `drivers` counts: both mean the same by it."""
    with open_beside_published(week_paths) as con:
        choose(con, Cohort())
        drivers = con.sql("select dimension, value, n from published.drivers order by all").fetchall()
        con.execute("""
            create view ended as
            from published.task_dimensions
            semi join (
                from published.followed_up_tasks
                where event is not null
                    and submit_time >= (select max(submit_time) - interval 7 days from published.tasks)
            ) using (source, task_id)""")
        counted = [
            row
            for name in DIMENSIONS
            for row in con.execute(
                f"""
                select '{name}', "{name}", count(*) from ended
                where has_payload or '{name}' not in (select unnest(?)) group by all""",  # noqa: S608
                [OF_PAYLOAD],
            ).fetchall()
        ]
    assert {name for name, *_ in counted} == set(DIMENSIONS)
    assert len(drivers) > 50
    assert set(drivers) <= set(counted)


def test_each_reason_has_three_tasks_that_failed_so(week: Made) -> None:
    """The newest; with the request id where the gateway named one."""
    page = week.file.read_text(encoding="utf-8")
    part = page[page.index("Examples of each reason") :]
    part = part[: part.index("</details>")]
    groups = part.split("<h3>")[1:]
    assert len(groups) == min(11, len(groups)) > 5
    assert all(1 <= group.count("<li>") <= 3 for group in groups)


def test_every_need_has_a_query_or_command_that_works(week: Made) -> None:
    """The queries run on the published copy as they stand."""
    with reader(week.paths) as con:
        for _, _, command in _WORDS.values():
            match shlex.split(command):
                case ["avatar-tasks", "sql", query]:
                    con.execute(query)
                case ["avatar-tasks", name, *_]:
                    assert name in {"check", "evidence"}


def test_commands_of_the_page_work_where_they_are_pasted(week: Made, avatar_tasks: CommandLine) -> None:
    """In any folder: they name the data that the page was made of."""
    found = re.findall(r"<code>avatar-tasks ((?:sql|evidence) .*?)</code>", week.file.read_text(encoding="utf-8"))
    commands = [shlex.split(html.unescape(one)) for one in found]
    whole = [one for one in commands if len(one) > 3]
    assert {one[0] for one in whole} == {"sql", "evidence"}
    for command in whole:
        result = avatar_tasks(*command)
        assert result.code == 0, result.err
    assert (avatar_tasks.folder / "claims.zip").exists()


def test_what_needs_a_person_is_counted_as_the_views_count(week: Made) -> None:
    """Stuck tasks and links that no longer work; what is not there is not named."""
    found = {need.key: need.count for need in week.report.screen.needs}
    with reader(week.paths) as con:
        [(stuck, claims)] = con.execute(
            "select (select count(*) from stuck_tasks_at($1)), (select count(*) from refund_claims)", [NOW]
        ).fetchall()
        [(expired,)] = con.execute("select count(*) from result_expiry_at($1) where is_expired", [NOW]).fetchall()
    assert (found["stuck"], found.get("claims", 0), found["expired"]) == (stuck, claims, expired)
    assert min(stuck, claims, expired) > 0
    assert "conflicts" not in found


def test_a_page_has_one_clock(tmp_path: Path) -> None:
    """Its needs, its checks and its tiles are as of the moment it is made for, whenever that was."""

    def put(con: duckdb.DuckDBPyConnection) -> None:
        con.execute(TASK, {"status": "SUCCESS", "number": 30})
        con.execute("""
            update tasks set result_expires_at = submit_time + interval 100 minutes;
            update tasks set status = 'IN_PROGRESS', is_terminal = false, finish_time = null, latency_seconds = null,
                submit_time = $now::timestamptz - to_seconds(if(task_id = 'task-0', 100, 1000))
            where task_id in ('task-0', 'task-1')""", {"now": NOW})  # fmt: skip

    report = report_on(published(tmp_path, put), Cohort(), NOW)
    found = {need.key: need.count for need in report.screen.needs}
    checks = {row["check_name"]: row["failing"] for row in figure(report, "quality").data.to_dicts()}
    assert (found["expired"], checks["result_expired"]) == (24, 24)
    assert (found["stuck"], report.facts["stuck"]) == (1, 1)
    assert figure(report, "stuck").data["age_seconds"].to_list() == [1000]


def test_no_figure_reads_a_view_that_goes_by_another_clock() -> None:
    """`published` has the clock of the machine: what depends on the time is read from `whole`."""
    by_the_clock = {one.name for one in definitions("marts") if with_needed([one.name]) & _READING_THE_CLOCK}
    assert {"stuck_tasks", "id_accounting", "backlog"} <= by_the_clock
    read = [sql for path in PACKAGE.rglob("*.*") if path.suffix in {".sql", ".py"} for sql in [path.read_text("utf-8")]]
    assert by_the_clock & {name for sql in read for name in re.findall(r"published\.(\w+)", sql)} == set()


def test_ids_given_up_unseen_need_a_person(tmp_path: Path) -> None:
    """They are in no figure; those that the gateway does not know are counted apart."""

    def put(con: duckdb.DuckDBPyConnection) -> None:
        con.execute(TASK, {"status": "SUCCESS", "number": 30})
        con.execute("""
            delete from polling_policy;
            insert into polling_policy values ('default', 0.25, 15, 3600, 3, 604800);
            insert into pending by name
            select
                'default' as source,
                'old-' || range as task_id,
                '2025-01-01 00:00:00Z'::timestamptz as requested_at,
                requested_at as last_asked_at,
                5 as asked_count,
                if(range < 2, 5, 0) as missing_count,
                if(range < 2, 'missing', 'malformed') as last_outcome,
            from range(9)""")

    paths = published(tmp_path, put)
    found = {need.key: (need.count, need.command) for need in report_on(paths, Cohort(), NOW).screen.needs}
    assert (found["given_up"][0], found["unknown_ids"][0]) == (7, 2)
    with reader(paths) as con:
        query = shlex.split(found["given_up"][1])[-1]
        assert len(con.execute(query).fetchall()) == 7


def test_nothing_to_do_is_said(tmp_path: Path) -> None:
    """With the ids accounted for. A single task shows no difference, and it does not show that there is none."""
    quiet = published(tmp_path, lambda con: con.execute(TASK, {"status": "SUCCESS", "number": 3}))
    with open_beside_published(quiet) as con:
        page = render_page(con, Cohort(), "UTC", NOW)
    assert "Nothing: no task is stuck" in page
    assert "ids accepted:" in page
    assert page.count("Too few tasks have ended to say what is different") == 2
    assert "is larger than chance explains" in page
    assert "Not up to date" not in page, "where no id is due, nothing is late"


@pytest.mark.parametrize(
    ("first", "span"),
    [
        pytest.param(timedelta(days=15), timedelta(days=7), id="two weeks of tasks"),
        pytest.param(timedelta(days=6), timedelta(days=1), id="less than two weeks"),
        pytest.param(timedelta(hours=9), timedelta(hours=1), id="less than two days"),
        pytest.param(timedelta(minutes=9), timedelta(days=7), id="too little for any"),
    ],
)
def test_periods_are_as_long_as_the_tasks_allow(first: timedelta, span: timedelta) -> None:
    """And end with the last answer."""
    earlier, later = periods(Cohort(), {"first_submit_time": END - first}, END)
    assert (later.end, later.end - later.start, earlier.end - earlier.start) == (END, span, span)
    assert earlier.end == later.start


def test_a_range_chosen_is_compared_with_as_long_a_one_before(changed: Made) -> None:
    """Of which no task is in the figures."""
    chosen = Cohort(since=CHANGED_END - timedelta(days=2), until=CHANGED_END)
    comparison = report_on(changed.paths, chosen, CHANGED_END).screen.comparison
    assert (comparison.earlier.start, comparison.later.end) == (CHANGED_END - timedelta(days=4), CHANGED_END)
    assert min(change.tasks_before for change in comparison.changes) > 100


def test_local_days_are_those_of_the_views(week_paths: DataPaths) -> None:
    """With one kind of task, the buckets of the page in a time zone are `latency_quantiles_by` in it."""
    report = report_on(week_paths, Cohort(actions=("avatar-generate",), timezone="Asia/Shanghai"), NOW)
    shown = report.figures[0].data.select("bucket_start", "tasks", "p50_seconds").rows()
    with reader(week_paths) as con:
        expected = con.execute("""
            select bucket_start, n, seconds from latency_quantiles_by('day', 'Asia/Shanghai')
            where action = 'avatar-generate' and q = 0.5 order by bucket_start""").fetchall()
    assert [(one.astimezone(UTC), *rest) for one, *rest in shown] == [(one.astimezone(UTC), *r) for one, *r in expected]
    assert {one.hour for one, *_ in shown} == {0}


def test_a_page_in_local_time_says_so(week_paths: DataPaths) -> None:
    """Everywhere: no time of it is in UTC."""
    with open_beside_published(week_paths) as con:
        page = render_page(con, Cohort(), "Asia/Shanghai", datetime(2025, 1, 20, 12, 5, tzinfo=UTC))
    text = " ".join(Values.of(page).text)
    assert "20:05 UTC+8" in text
    assert not re.findall(r"\d\d:\d\d UTC(?!\+8)", text)
