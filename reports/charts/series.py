"""Values by bucket of time, with intervals: connected if the neighbours are known, dashed if the bucket is partial."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from reports.charts.markup import colour, percent, tag
from reports.charts.plot import titled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from markupsafe import Markup

    from reports.charts.plot import Frame
    from reports.charts.scales import Times


@dataclass(frozen=True, slots=True)
class Point:
    """The value of one bucket.

    Attributes:
        begin, end: of the bucket.
        value: None if it is not known.
        low, high: its interval; None for an end that is not known.
        is_partial: whether answers that are still to come will change it.
        says: the text of its tooltip.
    """

    begin: datetime
    end: datetime
    value: float | None
    low: float | None
    high: float | None
    is_partial: bool
    says: str


def steps(
    frame: Frame, times: Times, scale: Callable[[float], float], points: Sequence[Point], name: str
) -> Iterator[Markup]:
    """A flat line per bucket at its value, joined to the next; a halo makes it visible on any background."""
    lines = [*_flats(frame, times, scale, points), *_risers(frame, times, scale, points)]
    for stroke, width in ((colour("card"), 5), (colour(name), 2)):
        for x1, x2, y1, y2, is_partial in lines:
            dashes = "5 4" if is_partial and width == 2 else None  # noqa: PLR2004 - the line, not its halo
            yield tag(
                "line", x1=percent(x1), x2=percent(x2), y1=y1, y2=y2, stroke=stroke, stroke_width=width,
                stroke_dasharray=dashes, stroke_linecap=None if is_partial else "round",
            )  # fmt: skip


def _flats(
    frame: Frame, times: Times, scale: Callable[[float], float], points: Sequence[Point]
) -> Iterator[tuple[float, float, float, float, bool]]:
    for point in points:
        if point.value is not None:
            y = frame.y(scale(point.value))
            yield times.clamped(point.begin), times.clamped(point.end), y, y, point.is_partial


def _risers(
    frame: Frame, times: Times, scale: Callable[[float], float], points: Sequence[Point]
) -> Iterator[tuple[float, float, float, float, bool]]:
    for before, after in pairwise(points):
        if before.value is not None and after.value is not None and before.end == after.begin:
            x = times.clamped(after.begin)
            is_partial = before.is_partial or after.is_partial
            yield x, x, frame.y(scale(before.value)), frame.y(scale(after.value)), is_partial


def whiskers(
    frame: Frame, times: Times, scale: Callable[[float], float], points: Sequence[Point], name: str, *, top: float = 1
) -> Iterator[Markup]:
    """The interval of each bucket as a line in its middle, with a dot at the value, hollow if the bucket is partial.

    An interval without an upper end goes up to the position `top`.
    """
    for point in points:
        if point.value is None:
            continue
        x = percent((times.clamped(point.begin) + times.clamped(point.end)) / 2)
        ends = [frame.y(min(max(scale(end), 0), 1)) for end in (point.low or 0, point.high or 0)]
        y1, y2 = ends[0], ends[1] if point.high is not None else frame.y(top)
        dashes = "3 3" if point.is_partial else None
        fill = colour("card") if point.is_partial else colour(name)
        yield tag(
            "g",
            titled(point.says),
            tag("line", x1=x, x2=x, y1=y1, y2=y2, stroke=colour(name), stroke_width=2.5, stroke_dasharray=dashes,
                stroke_opacity=0.6),
            tag("circle", cx=x, cy=frame.y(scale(point.value)), r=4, fill=fill, stroke=colour(name), stroke_width=2),
        )  # fmt: skip
