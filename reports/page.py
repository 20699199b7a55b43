"""The page: one HTML file that asks nobody for anything, with every picture drawn twice, for screens and for phones."""

from __future__ import annotations

from datetime import datetime
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reports import words
from reports.look import DARK, FONT, LIGHT, page_look, phone_look
from reports.svg import svg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.figure import Figure, Tile
    from reports.render import Report

_STYLE: Final = Path(__file__).with_name("page.css")
_TITLE: Final = "Avatar tasks: latency and failures"
#: Nothing may be loaded, run or sent, whatever a failure's reason holds.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_MOST_ROWS: Final = 80
_LONG: Final = {"reason", "example", "description"}


def page(report: Report) -> str:
    """The whole file."""
    return "\n".join([*_head(), *_header(report), *_main(report), *_footer(report)])


def _head() -> Iterator[str]:
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<link rel="icon" href="data:,">'
    yield f"<title>{_TITLE}</title>"
    yield f"<style>{_style()}</style>"
    yield "</head>"
    yield "<body>"


def _style() -> str:
    css = _STYLE.read_text(encoding="utf-8").replace("{font}", FONT)
    for name, colours in (("{light}", LIGHT), ("{dark}", DARK)):
        css = css.replace(name, " ".join(f"--{colour}: {value};" for colour, value in colours.items()))
    return css


def _header(report: Report) -> Iterator[str]:
    facts = report.facts
    yield f"<header><h1>{_TITLE}</h1>"
    span = ""
    if facts["first_submit_time"]:
        first, last = words.minute(facts["first_submit_time"]), words.minute(facts["last_submit_time"])
        span = f" Submitted {first} to {last} UTC; last looked at {words.minute(facts['last_observed_at'])} UTC."
    yield f'<p class="about">Cohort: {escape(report.about)}.{span}</p>'
    yield '<ul class="in-short">'
    yield from (f"<li>{escape(line)}</li>" for line in report.in_short)
    yield "</ul></header>"


def _main(report: Report) -> Iterator[str]:
    yield '<main><dl class="tiles">'
    yield from map(_tile, report.tiles)
    yield '</dl><div class="figures">'
    for figure in report.figures:
        yield from _figure(figure)
    yield "</div></main>"


def _tile(tile: Tile) -> str:
    value = "" if tile.value is None else f"{tile.value}"
    bounds = f'<dd class="range">{escape(tile.range_shown)}</dd>' if tile.range_shown else ""
    notes = "".join(f'<dd class="small">{escape(note)}</dd>' for note in tile.notes)
    return (
        f'<div class="tile {tile.tone}" id="tile-{tile.key}"><dt>{escape(tile.label)}</dt>'
        f'<dd class="value"><data value="{value}">{escape(tile.shown)}</data></dd>{bounds}{notes}</div>'
    )


def _figure(figure: Figure) -> Iterator[str]:
    yield f'<figure id="{figure.key}" class="{"wide" if figure.is_wide else "half"}"><figcaption>'
    yield f"<h2>{escape(figure.title)}</h2><p>{escape(figure.says)}</p></figcaption>"
    if figure.draw:
        label = f"{figure.title} {figure.says}"
        for name, look in (("screen", page_look(is_wide=figure.is_wide)), ("phone", phone_look())):
            yield svg(figure.draw(look), name=f"{figure.key}-{name}", css_class=name, label=label)
    elif not figure.data.is_empty() and figure.columns:
        yield _table(figure)
    yield f'<p class="small">{escape(figure.about)}. {escape(figure.note)}</p>'
    if figure.draw and figure.columns and figure.data.height <= _MOST_ROWS:
        yield f"<details><summary>As a table</summary>{_table(figure)}</details>"
    yield "</figure>"


def _table(figure: Figure) -> str:
    head = "".join(f'<th class="{_kind(figure, name)}">{escape(label)}</th>' for name, label in figure.columns.items())
    body = "".join(
        "<tr>" + "".join(_cell(figure, name, row) for name in figure.columns) + "</tr>"
        for row in figure.data.iter_rows(named=True)
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(figure: Figure, name: str, row: dict[str, object]) -> str:
    css_class = f"{_kind(figure, name)}{' long' if name in _LONG else ''}"
    return f'<td class="{css_class}">{_value(name, row)}{_interval(name, row)}</td>'


def _value(name: str, row: dict[str, object]) -> str:
    value = row[name]
    if value is None:
        return f'<data value="" data-name="{name}">–</data>'
    return f'<data value="{escape(str(value))}" data-name="{name}">{escape(shown(name, value))}</data>'


def _interval(name: str, row: dict[str, object]) -> str:
    """The 95 % interval below a value that has one."""
    low, high = f"{name}_low", f"{name}_high"
    if low not in row or row[name] is None:
        return ""
    return f"<small>{_value(low, row)} to {_value(high, row)}</small>"


def _kind(figure: Figure, name: str) -> str:
    return "number" if figure.data.schema[name].is_numeric() else "text"


def shown(name: str, value: object) -> str:
    """A value of a table for people, by the name of its column."""
    match value:
        case datetime():
            return words.minute(value)
        case int():
            return words.count(value)
        case float() if "seconds" in name:
            return words.duration(value)
        case float() if name.endswith("_ms"):
            return f"{value:,.0f} ms"
        case float():
            return words.percent(value)
    return str(value)


def _footer(report: Report) -> Iterator[str]:
    yield (
        f"<footer><p>Made {words.minute(report.generated_at)} UTC by avatar-tasks {_version()} from the published "
        "warehouse. Times are UTC. Intervals hold in 95 of 100 cases. Every number is a view's: ask for more with "
        "<code>avatar-tasks sql</code>, or open the notebook that this page is made of: reports/latency.py.</p>"
        "</footer>"
    )
    yield "</body></html>"


def _version() -> str:
    try:
        return version("avatar-tasks")
    except PackageNotFoundError:  # from a folder, not installed
        return ""
