"""The chart of docs/performance.md: seconds over size, both logarithmic, a line for each row of `scaling`."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any, Final

from reports.charts.markup import tag
from reports.charts.scales import Log, duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from markupsafe import Markup

_WIDTH, _HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 120, 16, 40
_COLOURS: Final = ("#3b6fb6", "#c2571a", "#2f8f5b", "#8a4fa3")
_SECONDS: Final = (0.1, 1, 10, 60, 600)
_SIZES: Final = {10_000: "10,000", 100_000: "100,000", 1_000_000: "a million", 10_000_000: "ten million"}
_LETTERS: Final = 14
_INK, _GRID = "#555", "#ddd"


def write_chart(points: Path, svg: Path) -> None:
    """Draw the points that `scaling` saved to an SVG file, on a white background."""
    lines = json.loads(points.read_text(encoding="utf-8"))
    svg.write_text(f"{draw(lines)}\n", encoding="utf-8")


def draw(lines: list[dict[str, Any]]) -> Markup:
    """The drawing of lines with the fields of `scaling.Line`."""
    sizes = [size for line in lines for size in line["sizes"]]
    seconds = [one for line in lines for one in line["seconds"]]
    across, up = Log(min(sizes) / 1.5, max(sizes) * 1.5), Log(min(seconds) / 1.5, max(seconds) * 1.5)

    def x(size: float) -> float:
        return round(_LEFT + across(size) * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(took: float) -> float:
        return round(_HEIGHT - _BOTTOM - up(took) * (_HEIGHT - _TOP - _BOTTOM), 1)

    def ticks() -> Iterator[Markup]:
        for took in _SECONDS:
            if up.low <= took <= up.high:
                yield tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y(took), y2=y(took), stroke=_GRID)
                yield tag("text", duration(took), x=_LEFT - 8, y=y(took) + 4, text_anchor="end", fill=_INK)
        for size, label in _SIZES.items():
            if across.low <= size <= across.high:
                yield tag("line", x1=x(size), x2=x(size), y1=_TOP, y2=_HEIGHT - _BOTTOM, stroke=_GRID)
                yield tag("text", label, x=x(size), y=_HEIGHT - _BOTTOM + 18, text_anchor="middle", fill=_INK)

    def marks() -> Iterator[Markup]:
        below = 0.0  # the position of the previous label, so that labels do not overlap
        for line, colour in sorted(zip(lines, itertools.cycle(_COLOURS)), key=lambda one: -one[0]["seconds"][-1]):
            places = [(x(size), y(took)) for size, took in zip(line["sizes"], line["seconds"], strict=True)]
            path = " ".join(f"{a},{b}" for a, b in places)
            yield tag("polyline", points=path, fill="none", stroke=colour, stroke_width=2)
            yield from (tag("circle", cx=a, cy=b, r=3.5, fill=colour) for a, b in places)
            below = max(places[-1][1] + 4, below + _LETTERS)
            yield tag("text", f"{line['what']} ({line['unit']})", x=places[-1][0] + 10, y=below, fill=colour)

    title = "CPU seconds by answers or tasks, both on logarithmic scales"
    ground = tag("rect", width=_WIDTH, height=_HEIGHT, fill="white")
    return tag(
        "svg",
        tag("title", title),
        ground,
        *ticks(),
        *marks(),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        width=_WIDTH,
        height=_HEIGHT,
        font_family="sans-serif",
        font_size=12,
    )
