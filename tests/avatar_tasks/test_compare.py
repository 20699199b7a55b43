"""`compare`: the verdict on a published warehouse, in each of its formats."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import UnusableInputError
from pipeline.headline import comparison
from tests.warehouse.conftest import Site
from tests.warehouse.marts.statistics.planted import START, fill
from warehouse.database.publish import publish
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line import CommandLine


@pytest.fixture
def compared(avatar_tasks: CommandLine, tmp_path: Path) -> CommandLine:
    """The command line where failures rose from 7% to a half on the eighth of fourteen days."""
    site = Site(DataPaths(tmp_path / "data"))
    with site.writer() as con:
        fill(con, 3, days=14, step_at=START + timedelta(days=7))
        con.execute(
            "insert into observations by name "
            "select 'here' as source, 'task-1' as task_id, 'task' as outcome, $1 as observed_at",
            [START + timedelta(days=14)],
        )
    publish(site.paths, 5)
    return avatar_tasks


def test_compare_says_better_or_worse(compared: CommandLine) -> None:
    """As a table, as JSON and as Markdown."""
    shown = compared("compare")
    assert shown.code == 0
    assert shown.out.startswith("Worse than the 7 days before.\nThe failure rate rose from ")
    assert compared("compare", "--json").json["verdict"] == "worse"
    assert compared("compare", "--format", "markdown").out.startswith("**Worse than the 7 days before.**\n\n")


def test_compare_takes_other_periods(compared: CommandLine) -> None:
    """Two days beside two days of the week before."""
    arguments = ["--period", "2 days", "--against", "2026-06-01", "--format", "json"]
    found = compared("compare", *arguments).json
    assert (found["earlier"]["start"], found["later"]["start"]) == (
        "2026-06-01T00:00:00+00:00",
        "2026-06-13T00:00:00+00:00",
    )
    assert "the 2 days from 1 Jun 2026 00:00 UTC" in found["sentences"][0]


@pytest.mark.parametrize(
    ("period", "against", "why"),
    [
        ("soon", "previous", "'soon' is not a span of time"),
        ("0 days", "previous", "'0 days' is not a span of time"),
        ("3 moons", "previous", "has an unknown unit"),
        ("9999999 days", "previous", "before the year 1"),
        ("7 days", "2026-06-13", "after the later one begins"),
        ("7 days", "then", "'then' is not a time"),
    ],
)
def test_a_period_that_is_none_is_refused(tmp_path: Path, period: str, against: str, why: str) -> None:
    """In a sentence that names the option."""
    site = Site(DataPaths(tmp_path / "data"))
    with site.writer():
        pass
    publish(site.paths, 5)
    with pytest.raises(UnusableInputError, match=why):
        comparison(site.paths, START + timedelta(days=14), period, against)


def test_compare_needs_something_published(avatar_tasks: CommandLine) -> None:
    refused = avatar_tasks("compare")
    assert refused.code == 2
    assert "nothing is published" in refused.err
