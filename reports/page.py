"""The page: one HTML file that loads nothing and needs no script."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from reports import words
from reports.comparison import formats, sentences
from reports.first_screen import lettered
from reports.headline import accounted
from reports.look import DARK, FONT, LIGHT
from reports.report import read_report
from reports.templating import render

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

    from reports.cohort import Cohort
    from reports.report import Report

_TITLE: Final = "Avatar tasks: latency and failures"
NOTHING: Final = Markup("")
_MOST_ROWS: Final = 80
_LONG_COLUMNS: Final = frozenset({"reason", "example", "description"})


def render_page(
    con: duckdb.DuckDBPyConnection,
    filters: Cohort,
    timezone: str,
    now: datetime,
    *,
    top: Markup = NOTHING,
    link: str | None = None,
    where: str = "",
) -> str:
    """The page about the tasks that match the filters.

    Args:
        con: a new connection of `open_beside_published`; the cohort's views are created on it.
        filters: which tasks.
        timezone: the time zone of the times shown, e.g. Asia/Shanghai.
        now: the current time.
        top: markup at the top of the page.
        link: the page's own address with its filters, if it is served: values that differ are links to their tasks.
        where: the option that names the data folder in commands: see `words.where`.

    Raises:
        UnknownFilterError, OutdatedError: as `cohort.open_cohort`.
    """
    return page(read_report(con, replace(filters, timezone=timezone), now, link, where=where), top)


def page(report: Report, top: Markup = NOTHING) -> str:
    """The complete HTML file."""
    return render("page.html.jinja", top=top, light=LIGHT, dark=DARK, **_values(report))


def fragment(report: Report, *, is_dark: bool) -> str:
    """The page as a part of another page; its styles apply to nothing else there."""
    return render("fragment.html.jinja", look=DARK if is_dark else LIGHT, **_values(report))


def _values(report: Report) -> dict[str, Any]:
    comparison = report.screen.comparison
    return {
        "report": report,
        "title": _TITLE,
        "version": _version(),
        "css": Markup(Path(__file__).with_name("page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        "font": FONT,
        "long_columns": _LONG_COLUMNS,
        "most_rows": _MOST_ROWS,
        "words": words,
        "zone": words.zone(report.generated_at),
        "accounted": accounted(report.facts),
        "verdict": sentences.headline(comparison),
        "changed": [line for one in comparison.changes if one.is_clear for line in sentences.changed(one)],
        "periods": sentences.periods(comparison),
        "columns": formats.COLUMNS,
        "changes": [formats.cells(change) for change in comparison.changes],
        "steps": [(letter, sentences.step_sentence(step)) for letter, step in lettered(comparison.steps)],
        "differs": next(figure.says for figure in report.figures if figure.key == "drivers"),
        "drivers": [sentences.driver_sentence(driver) for driver in report.screen.drivers],
    }


def _version() -> str:
    try:
        return version("avatar-tasks")
    except PackageNotFoundError:  # run from a folder, not installed
        return ""
