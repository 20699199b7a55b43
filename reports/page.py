"""The page: one HTML file that loads nothing, with every figure drawn twice, for screens and for phones.

`page.html.jinja` is the page; Jinja2 escapes every value in it. This module has the functions that the template calls.
"""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports import words
from reports.look import DARK, FONT, LIGHT, page_look, phone_look
from reports.svg import svg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.figure import Figure
    from reports.report import Report

_TEMPLATE: Final = "page.html.jinja"
_TITLE: Final = "Avatar tasks: latency and failures"
_MOST_ROWS: Final = 80
_LONG_COLUMNS: Final = frozenset({"reason", "example", "description"})


def page(report: Report) -> str:
    """The whole file."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(_TEMPLATE).render(
        report=report,
        title=_TITLE,
        version=_version(),
        light=LIGHT,
        dark=DARK,
        font=FONT,
        long_columns=_LONG_COLUMNS,
        most_rows=_MOST_ROWS,
        drawings=drawings,
        kind=kind,
        minute=words.minute,
        shown=shown,
    )


def drawings(figure: Figure) -> Iterator[str]:
    """The figure as SVG, for a screen and for a phone; nothing if it has no chart."""
    if figure.draw:
        label = f"{figure.title} {figure.says}"
        for name, look in (("screen", page_look(is_wide=figure.is_wide)), ("phone", phone_look())):
            yield svg(figure.draw(look), name=f"{figure.key}-{name}", css_class=name, label=label)


def kind(figure: Figure, column: str) -> str:
    """The CSS class of a column: `number` or `text`."""
    return "number" if figure.data.schema[column].is_numeric() else "text"


def shown(name: str, value: object) -> str:
    """A formatted value of a table, by the name of its column."""
    match value:
        case None:
            return "–"
        case datetime():
            return words.minute(value)
        case int():
            return words.count(value)
        case float():
            return _decimal(name, value)
    return str(value)


def _decimal(name: str, value: float) -> str:
    if "seconds" in name:
        return words.duration(value)
    return f"{value:,.0f} ms" if name.endswith("_ms") else words.percent(value)


def _version() -> str:
    try:
        return version("avatar-tasks")
    except PackageNotFoundError:  # run from a folder, not installed
        return ""
