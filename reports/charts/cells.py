"""Small drawings in table cells: an interval with a dot, and a bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports.charts.markup import colour, percent, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup

    from reports.charts.scales import Tick

_HEIGHT: Final = 18
_MIDDLE: Final = _HEIGHT / 2


def interval(
    scale: Callable[[float], float], value: float, low: float, high: float, neutral: float, name: str
) -> Markup:
    """A dot at `value`, a line for its interval (cut off at the edges), and a dashed line at `neutral`."""
    ends = [min(max(scale(one), 0.0), 1.0) for one in (low, value, high)]
    x1, x, x2 = map(percent, ends)
    at = percent(scale(neutral))
    return _svg(
        tag("line", x1=at, x2=at, y1=0, y2=_HEIGHT, stroke=colour("muted"), stroke_dasharray="2 2"),
        tag("line", x1=x1, x2=x2, y1=_MIDDLE, y2=_MIDDLE, stroke=colour(name), stroke_width=3, stroke_opacity=0.6),
        tag("circle", cx=x, cy=_MIDDLE, r=4.5, fill=colour(name)),
    )


def axis(ticks: Sequence[Tick]) -> Markup:
    """The labels above a column of intervals."""
    return _svg(*(_label(tick) for tick in ticks))


def _label(tick: Tick) -> Markup:
    anchor = "start" if tick.at < 0.1 else "end" if tick.at > 0.9 else "middle"  # noqa: PLR2004 - the edges
    return tag("text", tick.label, x=percent(tick.at), y=_HEIGHT - 5, text_anchor=anchor, class_="tick",
               fill=colour("muted"))  # fmt: skip


def bar(share: float, name: str) -> Markup:
    """A bar that fills a share of the width."""
    return _svg(
        tag("rect", x=0, y=4, width="100%", height=_HEIGHT - 8, fill=colour("grid"), rx=2),
        tag("rect", x=0, y=4, width=percent(min(share, 1)), height=_HEIGHT - 8, fill=colour(name), rx=2),
    )


def _svg(*content: Markup) -> Markup:
    return tag(
        "svg",
        *content,
        class_="cell",
        width="100%",
        height=_HEIGHT,
        aria_hidden="true",
    )
