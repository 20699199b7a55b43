"""The report's figures are the views', and it reads well whatever there is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from reports import words
from reports.cohort import Cohort
from reports.headline import tiles
from reports.pictures import png
from reports.render import report_on
from tests.reports.conftest import NOW, TASK, Made, Values, make, published
from warehouse.backends.choose import reader

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from reports.elements import Figure
    from reports.report import Report
    from warehouse.paths import DataPaths

MOST_BYTES = 5_000_000


def figure(report: Report, key: str) -> Figure:
    return next(one for one in report.figures if one.key == key)


def close(shown: str, expected: object) -> bool:
    if isinstance(expected, float):
        return shown != "" and float(shown) == pytest.approx(expected)
    return shown == ("" if expected is None else str(expected))


def test_the_tiles_are_the_numbers_of_the_views(week: Made) -> None:
    """Read from the page as a person would, as the machine-readable value is beside the shown one."""
    shown = Values.of(week.file.read_text(encoding="utf-8")).found
    with reader(week.paths) as con:
        [(tasks, succeeded, failed, running, stuck)] = con.execute("""
            select count(*), count(*) filter (where status = 'SUCCESS'), count(*) filter (where status = 'FAILURE'),
                count(*) filter (where not is_terminal and status <> 'UNKNOWN'),
                (select count(*) from stuck_tasks_at($now))
            from tasks""", {"now": NOW}).fetchall()  # fmt: skip
    assert running > 20
    assert stuck > 2
    assert [shown[f"tile-{key}"][""] for key in ("tasks", "in_flight", "stuck")] == [
        [str(tasks)],
        [str(running)],
        [str(stuck)],
    ]
    [rate] = shown["tile-failure_rate"][""]
    assert float(rate) == pytest.approx(failed / (succeeded + failed))


def test_of_one_kind_every_number_of_a_tile_is_a_views(week_paths: DataPaths) -> None:
    """The quantiles, their intervals, and the projected rate."""
    facts = report_on(week_paths, Cohort(actions=("avatar-lipsync",)), NOW).facts
    with reader(week_paths) as con:
        found = con.execute("from latency_quantiles where action = 'avatar-lipsync'").pl().iter_rows(named=True)
        quantiles = {row["q"]: row for row in found}
        [(projected,)] = con.execute("""
            select (sum(failed) + (select sum(p_failure) from failure_chance where action = 'avatar-lipsync'))
                / sum(submitted)
            from failure_rate_daily where action = 'avatar-lipsync'""").fetchall()
    for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
        for column in ("seconds", "seconds_low", "seconds_high"):
            assert facts[f"{name}_{column}"] == quantiles[q][column]
    assert facts["projected_failure_rate"] == pytest.approx(projected)
    assert facts["projected_failure_rate"] != facts["failure_rate"]


@pytest.mark.parametrize(
    ("key", "query"),
    [
        pytest.param("kinds", "select action, seconds as p50_seconds from latency_quantiles where q = .5", id="kinds"),
        pytest.param(
            "quality",
            "select check_name, failing, checked, share from data_quality where check_name <> 'result_expired'",
            id="quality",
        ),
        pytest.param("stuck", f"select task_id, threshold_seconds from stuck_tasks_at('{NOW}')", id="stuck"),  # noqa: S608
        pytest.param(
            "reasons",
            "select fingerprint as reason, tasks from failure_reasons order by tasks desc, fingerprint, fail_class",
            id="reasons",
        ),
    ],
)
def test_a_table_shows_the_rows_of_its_view(week: Made, key: str, query: str) -> None:
    """Each value of the view is in the page under its name."""
    shown = Values.of(week.file.read_text(encoding="utf-8")).found[key]
    with reader(week.paths) as con:
        rows = con.execute(query).pl().rows(named=True)
    assert rows
    for row in rows[:11]:
        for name, value in row.items():
            if name in shown:
                assert any(close(one, value) for one in shown[name]), (name, value)


def test_every_figure_shows_unit_cohort_and_number_of_tasks(week: Made) -> None:
    """In the page, in small print below the picture."""
    text = " ".join(Values.of(week.file.read_text(encoding="utf-8")).text)
    assert len(week.report.figures) == 15
    assert sum(len(one.charts) for one in week.report.figures) == 8
    for one in week.report.figures:
        assert one.about in text
        assert one.says in text
        assert one.tasks > 0, one.key
        assert "nan" not in one.says.lower()


def test_filters_apply_to_every_figure(week: Made) -> None:
    """And each names its cohort."""
    report = report_on(week.paths, Cohort(actions=("avatar-image",), sources=("default",)), NOW)
    assert set(figure(report, "kinds").data["action"]) == {"avatar-image"}
    assert all("action avatar-image" in one.cohort for one in report.figures if one.counted != "answer")
    assert all("source default" in one.cohort for one in report.figures)
    assert figure(report, "latency").tasks < figure(week.report, "latency").tasks


@pytest.mark.parametrize(
    ("status", "number", "says"),
    [
        pytest.param("SUCCESS", 0, ["There is nothing to report: there is no task."], id="no task"),
        pytest.param("SUCCESS", 1, ["Half of the tasks have ended within 60 s"], id="one task"),
        pytest.param(
            "FAILURE",
            40,
            [
                "Every one of the tasks that ended failed.",
                "Every task that ended has failed, so none differs in how often it fails",
                "No task has succeeded. After ",
            ],
            id="only failures",
        ),
    ],
)
def test_it_reads_well_where_there_is_little(tmp_path: Path, status: str, number: int, says: list[str]) -> None:
    """Every figure is there, with a sentence where there is nothing to draw, and a reason's markup is only text."""
    made = make(published(tmp_path, lambda con: con.execute(TASK, {"status": status, "number": number})))
    page = Values.of(made.file.read_text(encoding="utf-8"))
    text = " ".join(page.text).replace("\u00a0", " ")
    assert [one for one in says if one not in text] == []
    assert sum(tag == "figure" for tag, _ in page.tags) == 15
    assert not [tag for tag, _ in page.tags if tag == "script"]
    for wrong in ("None ", "nan", "not known s", "inf "):
        assert wrong not in text.replace("None of the", "").replace("None has", "")
    drawn = [one.key for one in made.report.figures if one.charts]
    if number < 2:  # no chart has one point: of one task all that is drawn is when it was under way
        assert drawn == ["in-flight"] * number
    if number == 1:
        assert page.found["failure"]["submitted"] == ["1"]


def test_an_hour_that_was_seen_once_more_is_no_stronger(tmp_path: Path) -> None:
    """A task every hour for fifteen days: in whole weeks every hour of the week is alike."""

    def put(con: duckdb.DuckDBPyConnection) -> None:
        con.execute(TASK, {"status": "SUCCESS", "number": 360})
        number = "to_hours(regexp_extract(task_id, '[0-9]+')::integer)"
        con.execute(f"update tasks set submit_time = '2025-01-01 00:00:00Z'::timestamptz + {number}")  # noqa: S608

    charts = figure(report_on(published(tmp_path, put), Cohort(), NOW), "week").charts
    assert charts[0].legend[0].label == "Tasks submitted a week: palest 1, strongest 1"
    assert len(set(re.findall(r'fill-opacity="(.*?)"', str(charts[0].svg)))) == 1


def test_a_picture_can_stand_alone(week: Made) -> None:
    """A PNG of twice the pixels, with room for its title and text."""
    failure = figure(week.report, "failure")
    content = png(failure, failure.charts[0], NOW)
    width, height = (int.from_bytes(content[place : place + 4], "big") for place in (16, 20))
    assert content.startswith(b"\x89PNG")
    assert (1400 < width < 1700, 500 < height < 1200) == (True, True)


def test_the_page_stays_small_and_loads_nothing(week: Made) -> None:
    """Nothing is loaded from anywhere: no script, no address but that of SVG and of links to results."""
    text = week.file.read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES / 4
    found = Values.of(text)
    assert not {tag for tag, _ in found.tags} & {"script", "img", "iframe", "object", "video"}
    assert {given.get("href") for tag, given in found.tags if tag == "link"} == {"data:,"}
    links = [given["href"] or "" for tag, given in found.tags if tag == "a"]
    drawings = text.count("http://www.w3.org/2000/svg")
    assert text.count("http://") + text.count("https://") == drawings + sum(link.startswith("http") for link in links)


def test_raw_rows_never_reach_the_page(tmp_path: Path) -> None:
    """A picture gets some hundred rows, however many tasks there are (`make report-million` weighs a page)."""
    many = published(tmp_path, lambda con: con.execute(TASK, {"status": "SUCCESS", "number": 50_000}))
    report = report_on(many, Cohort(), NOW)
    assert report.facts["tasks"] == 50_000
    assert max(one.data.height for one in report.figures) <= 241


def test_tasks_that_only_run_are_neither_failed_nor_fast(tmp_path: Path) -> None:
    """What is not known yet is called unknown."""
    running = published(tmp_path, lambda con: con.execute(TASK, {"status": "IN_PROGRESS", "number": 40}))
    report = report_on(running, Cohort(), NOW)
    assert report.in_short == ["40 tasks had not ended when last seen, none of them stuck."]
    assert figure(report, "failure").says == "No task has ended, so there is no failure rate yet."
    assert figure(report, "failure").charts == ()
    assert [one.value for one in report.tiles] == [40, None, None, None, 40, 0]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "not known"),
        (0.0, "0 s"),
        (7.46, "7.5 s"),
        (119.4, "119 s"),
        (173.2, "2 min 53 s"),
        (7200.0, "2 h"),
        (200_000.0, "2 d 8 h"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float | None, shown: str) -> None:
    """In one or two units, kept together on a line."""
    assert words.duration(seconds).replace("\u00a0", " ") == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(None, "not known"), (0.0, "0%"), (1.0, "100%"), (0.9999, "100.0%"), (0.0694, "6.9%"), (0.00042, "0.04%")],
)
def test_a_share_is_0_or_100_percent_only_when_it_is(share: float | None, shown: str) -> None:
    """And has two digits where one would be 0."""
    assert words.percent(share).replace("\u00a0", " ") == shown


def test_an_unknown_number_is_called_unknown(week: Made) -> None:
    """Never 0, never an interval of nothing."""
    unknown: dict[str, Any] = dict.fromkeys(week.report.facts) | {
        "tasks": 3,
        "succeeded": 0,
        "failed": 0,
        "in_flight": 3,
        "unknown": 0,
        "stuck": 0,
        **dict.fromkeys(("accepted", "understood", "quarantined", "given_up", "pending"), 3),
    }
    shown = {one.key: one for one in tiles(unknown)}
    assert (shown["failure_rate"].shown, shown["failure_rate"].range_shown) == ("not known", "")
    assert (shown["p95_seconds"].value, shown["p95_seconds"].range_shown) == (None, "")
