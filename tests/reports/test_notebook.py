"""The notebook: the figures of the report, and the tasks of a value that differs beside all others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from reports.cohort import Cohort
from reports.render import report_on

if TYPE_CHECKING:
    from tests.reports.conftest import Made


@pytest.fixture
def app(week: Made, monkeypatch: pytest.MonkeyPatch) -> object:
    """The notebook's application, on the simulated week."""
    monkeypatch.setenv("AVATAR_TASKS_DATA_DIR", str(week.paths.root))
    monkeypatch.setattr(sys, "argv", ["latency.py"])
    from reports.latency import app  # noqa: PLC0415 - marimo takes a second, and only this needs it

    return app


def test_every_cell_runs_and_shows_what_the_report_shows(app: object, week: Made) -> None:
    """The same headline figures, from the same functions."""
    outputs, values = app.run()  # type: ignore[attr-defined]
    shown = " ".join(output.text for output in outputs if hasattr(output, "text"))
    for tile in values["report"].tiles:
        assert tile.label in shown
    assert values["report"].facts == report_on(week.paths, Cohort(), values["report"].generated_at).facts
    assert values["drivers"].value.is_empty()


@pytest.mark.usefixtures("app")
def test_a_cohort_is_shown_beside_all_tasks(week: Made) -> None:
    """What the notebook calls when a row of the drivers is chosen."""
    from dataclasses import replace  # noqa: PLC0415

    from reports import latency  # noqa: PLC0415 - as above

    _, some = latency.report_on(str(week.paths.root), replace(Cohort(), values=(("input_kind", "text+audio+video"),)))
    assert 0 < some.facts["tasks"] < week.report.facts["tasks"]
    shown = latency.panel(some).text
    assert "avatar-tasks-report" in shown
    assert type(shown) is str  # marimo sends nothing else as HTML
