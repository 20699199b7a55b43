"""Latency as a heat map: the logarithm of latency over time, with lanes for failed and for running tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.charts.markup import colour, percent, tag
from reports.charts.plot import Chart, Frame, Key, titled
from reports.charts.scales import Log, Tick, log_duration_ticks, time_ticks
from reports.charts.series import Point, steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from markupsafe import Markup

    from reports.charts.plot import Event
    from reports.charts.scales import Times

#: Cells with fewer tasks are hatched, because one task more or less would change their colour.
FEWEST: Final = 5
_LANE, _GAP, _MAP = 18, 7, 250
_HEIGHT: Final = _MAP + 2 * (_LANE + _GAP)
_SHADES: Final = 6


@dataclass(frozen=True, slots=True)
class Cell:
    """Tasks of one bucket of time and, in the map, of one range of latency.

    Attributes:
        begin, end: of the bucket.
        tasks: the number of tasks, at least 1.
        low, high: range of latency in seconds; None in a lane.
        says: the text of its tooltip.
    """

    begin: datetime
    end: datetime
    tasks: int
    says: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Map:
    """The content of the chart.

    Attributes:
        cells: of tasks that succeeded.
        failed: cells of the lane of tasks that failed.
        running: cells of the lane of tasks that had not ended; their latency is at least as long as they have run.
        quantiles: by label, the times by which a share of the tasks has ended; the median first.
    """

    cells: Sequence[Cell]
    failed: Sequence[Cell]
    running: Sequence[Cell]
    quantiles: Mapping[str, Sequence[Point]]


_QUANTILE_COLOURS: Final = ("ink", "orange")


def latency_map(name: str, title: str, says: str, times: Times, events: tuple[Event, ...], found: Map) -> Chart | None:
    """The chart; None if there is nothing to draw."""
    if not (found.cells or found.failed or found.running):
        return None
    frame = Frame(name, title, says, _HEIGHT, times, events)
    scale = _scale(found)
    marks = [
        tag("defs", _hatch(f"{name}-hatch")),
        *_lane(frame, times, found.failed, "orange", 0),
        *_lane(frame, times, found.running, "violet", _HEIGHT - _LANE),
    ]
    ticks = [
        Tick(_LANE / 2 / _HEIGHT, "failed", has_line=False),
        Tick(1 - _LANE / 2 / _HEIGHT, "running", has_line=False),
    ]
    if scale:
        marks += _cells(frame, times, scale, found.cells)
        for (label, points), colour_name in zip(found.quantiles.items(), _QUANTILE_COLOURS, strict=True):
            del label
            marks += steps(frame, times, lambda seconds: _within(scale(seconds)), points, colour_name)
        ticks += [Tick(_within(tick.at), tick.label) for tick in log_duration_ticks(scale)]
    return frame.chart(marks, time_ticks(times), ticks, _legend(found))


def _within(share: float) -> float:
    """Converts a position in the map to one in the whole plot, which includes the lanes."""
    return (_LANE + _GAP + min(max(share, 0), 1) * _MAP) / _HEIGHT


def _scale(found: Map) -> Log | None:
    lows = [cell.low for cell in found.cells if cell.low is not None]
    highs = [cell.high for cell in found.cells if cell.high is not None]
    values = [point.value for points in found.quantiles.values() for point in points if point.value]
    if not lows and not values:
        return None
    low, high = min([*lows, *values]), max([*highs, *values])
    return Log(low, high if high > low else 2 * low)


def _cells(frame: Frame, times: Times, scale: Log, cells: Sequence[Cell]) -> Iterator[Markup]:
    most = max((cell.tasks for cell in cells), default=1)
    for cell in cells:
        assert cell.low is not None  # noqa: S101 - cells of the map have both
        assert cell.high is not None  # noqa: S101
        top, bottom = frame.y(_within(scale(cell.high))), frame.y(_within(scale(cell.low)))
        few = cell.tasks < FEWEST
        fill = f"url(#{frame.name}-hatch)" if few else colour(f"heat-{_shade(cell.tasks, most)}")
        yield _cell(times, cell, top, bottom - top, fill, 1)


def _shade(tasks: int, most: int) -> int:
    """The shade of a cell, by the square root of its tasks, so that cells with few tasks are visible, too."""
    return max(1, -int(-_SHADES * (tasks / most) ** 0.5 // 1))


def _lane(frame: Frame, times: Times, cells: Sequence[Cell], name: str, bottom: int) -> Iterator[Markup]:
    top = frame.height - bottom - _LANE
    most = max((cell.tasks for cell in cells), default=1)
    yield tag("rect", x=0, y=top, width="100%", height=_LANE, fill=colour("grid"), fill_opacity=0.5)
    for cell in cells:
        yield _cell(times, cell, top, _LANE, colour(name), 0.25 + 0.75 * (cell.tasks / most) ** 0.5)


def _cell(times: Times, cell: Cell, top: float, height: float, fill: str, opacity: float) -> Markup:
    left, right = times.clamped(cell.begin), times.clamped(cell.end)
    return tag(
        "rect",
        titled(cell.says),
        x=percent(left),
        width=percent(right - left),
        y=top,
        height=height,
        fill=fill,
        fill_opacity=opacity if opacity < 1 else None,
    )


def _hatch(name: str) -> Markup:
    ground = tag("rect", width=6, height=6, fill=colour("heat-1"))
    line = tag("line", x1=0, x2=0, y1=0, y2=6, stroke=colour("heat-4"), stroke_width=1.5)
    return tag(
        "pattern",
        ground,
        line,
        id=name,
        width=6,
        height=6,
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )


def _legend(found: Map) -> tuple[Key, ...]:
    most = max((cell.tasks for cell in found.cells), default=0)
    keys = [
        *(
            [Key("few tasks that succeeded", "heat-2"), Key(f"many (up to {most:,})", "heat-6")]
            if most >= FEWEST
            else []
        ),
        Key(f"fewer than {FEWEST}" + ("" if most >= FEWEST else " tasks that succeeded"), "heat-4", "hatch"),
    ]
    lines = [
        Key(label, colour_name, "line")
        for (label, points), colour_name in zip(found.quantiles.items(), _QUANTILE_COLOURS, strict=True)
        if any(point.value is not None for point in points)
    ]
    is_partial = any(point.is_partial and point.value is not None for one in found.quantiles.values() for point in one)
    return (
        *(keys if found.cells else ()),
        *lines,
        *([Key("not over yet: will change", "ink", "dashed")] if is_partial else ()),
        *([Key("failed", "orange")] if found.failed else ()),
        *([Key("still running: will take at least as long as so far", "violet")] if found.running else ()),
    )
