"""Charts as PNG files for mails and chats: each readable by itself, with title, answer, legend, unit and number."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Final

from markupsafe import Markup
from resvg_py import svg_to_bytes

from reports import words
from reports.charts.markup import colour, tag
from reports.look import FONT, LIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from reports.charts.plot import Chart, Key
    from reports.elements import Figure

_WIDTH: Final = 760
_EDGE: Final = 20
#: Space to the left and right of the plot, for the labels of its axes.
_LEFT, _RIGHT = 58, 14
_LINE: Final = 17
_CHARACTERS: Final = 100
#: Widths in pixels of a character in a legend, and of a swatch.
_CHARACTER, _SWATCH = 6.8, 34
_PIXELS: Final = 2.0

#: Matches in attributes only: in texts, quotation marks are escaped.
_VARIABLE: Final = re.compile(r'="var\(--([a-z0-9-]+)\)"')


def png(figure: Figure, chart: Chart, made: datetime) -> bytes:
    """The chart as a PNG with twice the pixels of the SVG in each direction."""
    return svg_to_bytes(svg_string=picture(figure, chart, made), zoom=_PIXELS)


def picture(figure: Figure, chart: Chart, made: datetime) -> str:
    """The chart as a separate SVG document, with colours instead of the page's CSS variables."""
    says = _wrapped(figure.says)
    about = _wrapped(f"{figure.about} · {words.moment(made)}")
    legend_at = 58 + _LINE * len(says)
    keys = _placed(chart.legend, legend_at)
    plot_at = (max((y for _, y, _ in keys), default=legend_at) if keys else legend_at - _LINE) + 32
    about_at = plot_at + chart.height + 30
    svg = tag(
        "svg",
        tag("rect", width="100%", height="100%", fill=colour("card")),
        tag("text", figure.title, x=_EDGE, y=32, font_size=17, font_weight=600, fill=colour("ink")),
        *_lines(says, 56, "ink"),
        *(part for x, y, key in keys for part in _key(x, y, key)),
        _plot(chart, plot_at),
        *_lines(about, about_at, "muted"),
        xmlns="http://www.w3.org/2000/svg",
        width=_WIDTH,
        height=about_at + _LINE * len(about),
        font_family=FONT,
        font_size=12.5,
    )
    return _VARIABLE.sub(lambda found: f'="{LIGHT[found[1]]}"', svg)


def _plot(chart: Chart, y: float) -> Markup:
    """The drawing with a fixed position and size."""
    width = _WIDTH - 2 * _EDGE - _LEFT - _RIGHT
    given = f'x="{_EDGE + _LEFT}" y="{y:.0f}" overflow="visible"'
    placed = str(chart.svg).replace('class="plot"', given, 1).replace('width="100%">', f'width="{width}">', 1)
    return Markup(placed)  # noqa: S704 - the same drawing


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _CHARACTERS)


def _lines(lines: Sequence[str], y: float, name: str) -> Iterator[Markup]:
    for number, line in enumerate(lines):
        yield tag("text", line, x=_EDGE, y=y + number * _LINE, fill=colour(name))


def _placed(keys: Sequence[Key], y: float) -> list[tuple[float, float, Key]]:
    """Each entry of a legend with its position, in rows that wrap like text."""
    placed, x = [], float(_EDGE)
    for key in keys:
        width = _SWATCH + _CHARACTER * len(key.label)
        if x > _EDGE and x + width > _WIDTH - _EDGE:
            x, y = float(_EDGE), y + _LINE
        placed.append((x, y, key))
        x += width
    return placed


def _key(x: float, y: float, key: Key) -> Iterator[Markup]:
    height = {"line": 3, "dashed": 2, "tick": 5}.get(key.shape, 10)
    is_round = key.shape in {"dot", "ring"}
    fill = {"ring": "card", "hatch": "heat-1"}.get(key.shape, key.colour)
    yield tag(
        "rect", x=x, y=y - 4 - height / 2, width=10, height=height, rx=5 if is_round else 1,
        fill=colour(fill), stroke=None if fill == key.colour else colour(key.colour),
    )  # fmt: skip
    yield tag("text", key.label, x=x + 16, y=y, fill=colour("muted"))
