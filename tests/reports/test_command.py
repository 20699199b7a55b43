"""`avatar-tasks report`: what people type, and the files it writes."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from avatar_tasks.cli import main
from pipeline.errors import UnusableInputError
from pipeline.report_files import moment
from tests.reports.conftest import TASK, published

if TYPE_CHECKING:
    from pathlib import Path

    from warehouse.paths import DataPaths

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> DataPaths:
    """Forty tasks that succeeded."""
    root = tmp_path_factory.mktemp("forty")
    return published(root, lambda con: con.execute(TASK, {"status": "SUCCESS", "number": 40}))


def report(paths: DataPaths, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", "--data-dir", str(paths.root), *arguments])


def facts(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_report_is_one_file_below_the_data_directory(paths: DataPaths) -> None:
    """Its numbers are in `--json`, and it replaces a former one."""
    paths.reports.mkdir(exist_ok=True)
    (paths.reports / "report.html").write_text("an old report", encoding="utf-8")
    result = report(paths, "--json")
    assert result.exit_code == 0, result.output
    assert facts(result)["files"] == [str(paths.reports / "report.html")]
    assert (facts(result)["tasks"], facts(result)["failure_rate"], facts(result)["p50_seconds"]) == (40, 0.0, 60.0)
    assert (paths.reports / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in paths.reports.iterdir()] == ["report.html"]


def test_filters_narrow_it_down(paths: DataPaths, tmp_path: Path) -> None:
    """A half-open range of submission, its beginning in and its end not, and values of dimensions; the page says so."""
    times = ("--since", "2025-01-20T10:10", "--until", "2025-01-20T10:20Z")
    kinds = ("--action", "avatar-generate", "--source", "default", "--value", "hour=10", "--value", "weekday=Monday")
    result = report(paths, *times, *kinds, "--out", str(tmp_path / "new" / "some.html"), "--json")
    assert result.exit_code == 0, result.output
    assert facts(result)["tasks"] == 10
    page = (tmp_path / "new" / "some.html").read_text()
    assert "action avatar-generate" in page
    assert "submitted 20 Jan 2025 10:10" in page
    assert "hour of the day (UTC) 10, weekday (UTC) Monday" in page


def test_pictures_for_mails_and_chats(paths: DataPaths, tmp_path: Path) -> None:
    """One PNG per plot, in the order of the report; of the one bucket of time no failure rates are plotted."""
    result = report(paths, "--format", "png", "--out", str(tmp_path / "plots"))
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert names[:2] == ["01-latency.png", "02-in-flight.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "plots").iterdir())
    assert "Half of the tasks have ended within" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--since", "yesterdayish"], "--since 'yesterdayish' is not a time", id="no time"),
        pytest.param(["--since", "2025-02-01", "--until", "2025-01-01"], "is not before", id="nothing in between"),
        pytest.param(["--action", "avatar-sing"], "no task has the action 'avatar-sing'", id="unknown action"),
        pytest.param(
            ["--value", "colour=red"], "is not of the form dimension=value: dimensions are source,", id="no dimension"
        ),
        pytest.param(["--value", "lan=xx"], "no task has lan=xx", id="a value that no task has"),
        pytest.param(["--timezone", "Mars"], "--timezone 'Mars' is not a time zone", id="no time zone"),
        pytest.param(["--out", "/proc/no/report.html"], "cannot write /proc/no/report.html", id="no such place"),
    ],
)
def test_an_unusable_option_is_reported_in_one_line(paths: DataPaths, arguments: list[str], message: str) -> None:
    """With exit code 2."""
    result = report(paths, *arguments)
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert message in result.stderr


def test_without_a_warehouse_the_message_says_what_to_run_first(tmp_path: Path) -> None:
    """And leaves nothing behind."""
    result = CliRunner().invoke(main, ["report", "--data-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert "avatar-tasks collect" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T14:30+02:00", datetime(2026, 11, 20, 12, 30, tzinfo=UTC)),
        ("7 days", NOW - timedelta(days=7)),
        ("36h", NOW - timedelta(hours=36)),
        ("90 min", NOW - timedelta(minutes=90)),
        ("2w", NOW - timedelta(weeks=2)),
    ],
)
def test_times_are_what_people_type(text: str | None, expected: datetime | None) -> None:
    """Dates and times are UTC where they name no zone; spans end now."""
    assert moment(text, "--since", NOW) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("a fortnight", "is not a time", id="words"),
        pytest.param("7 fortnights", "unknown unit: s, m, h, d and w are known", id="unknown unit"),
        pytest.param("500ms", "unknown unit", id="milliseconds are no minutes"),
        pytest.param("7", "is not a time", id="no unit"),
        pytest.param("999999999 weeks", "longer than any span", id="longer than any span"),
        pytest.param("5000 w", "before the year 1", id="before the year 1"),
        pytest.param("9" * 400 + "d", "is not a time", id="hundreds of digits"),
        pytest.param("0001-01-01T00:00+14:00", "before the year 1", id="before the year 1 in UTC"),
        pytest.param("9999-12-31T23:59-14:00", "after the year 9999", id="after the year 9999 in UTC"),
    ],
)
def test_an_invalid_time_is_refused_with_valid_examples(text: str, says: str) -> None:
    """The option is named, and no number is taken for another unit's."""
    with pytest.raises(UnusableInputError, match=rf"^--until {re.escape(repr(text))} .*{says}"):
        moment(text, "--until", NOW.replace(year=90))
