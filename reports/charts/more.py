"""The other charts: failures, outcome, tasks in flight, the gateway's speed, and the week."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.charts.markup import colour, percent, tag
from reports.charts.plot import NOMINAL_WIDTH, Chart, Frame, Key, stretched, titled
from reports.charts.scales import Linear, Tick, count_ticks, duration_ticks, number_ticks, share_ticks, time_ticks
from reports.charts.series import Point, steps, whiskers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from markupsafe import Markup

    from reports.charts.plot import Event
    from reports.charts.scales import Times

_HEIGHT: Final = 190
_LOW: Final = 130
_CELL: Final = 20
_HOURS, _DAYS = 24, ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOUR_LABELS: Final = (0, 6, 12, 18, 23)


@dataclass(frozen=True, slots=True)
class About:
    """Name, title and answer of a chart, and its time axis with the events marked on it."""

    name: str
    title: str
    says: str
    times: Times
    events: tuple[Event, ...] = ()

    def frame(self, height: int) -> Frame:
        return Frame(self.name, self.title, self.says, height, self.times, self.events)


def rates(about: About, points: Sequence[Point], projected: Sequence[Point]) -> Chart:
    """The share of each bucket with its interval, and what it is expected to become if tasks are in flight."""
    frame = about.frame(_HEIGHT)
    known = [point for point in points if point.value is not None]
    most = max((point.value or 0 for point in [*known, *projected]), default=0)
    likely = sorted(point.high or 0 for point in known) or [0]
    scale, ticks = share_ticks(max(most, min(likely[-1], 1.5 * likely[len(likely) * 3 // 4])))
    marks = [
        *whiskers(frame, about.times, scale, points, "blue"),
        *(mark for point in projected for mark in _diamond(frame, about.times, scale, point)),
    ]
    legend = [
        Key("of those that ended, with its 95% interval", "blue", "dot"),
        *([Key("not over yet: will change", "blue", "ring")] if any(p.is_partial for p in known) else []),
        *([Key("expected once those in flight have ended", "pink")] if projected else []),
    ]
    return frame.chart(marks, time_ticks(about.times), ticks, legend)


def _diamond(frame: Frame, times: Times, scale: Callable[[float], float], point: Point) -> Iterator[Markup]:
    if point.value is not None:
        x, y = percent((times.clamped(point.begin) + times.clamped(point.end)) / 2), frame.y(scale(point.value))
        square = tag("rect", x=-4.5, y=-4.5, width=9, height=9, transform="rotate(45)", fill=colour("pink"))
        yield tag("svg", titled(point.says), square, x=x, y=y, overflow="visible")


def durations(about: About, lines: Mapping[str, tuple[str, Sequence[Point]]]) -> Chart:
    """Durations by bucket as flat lines; `lines` maps labels to a colour and points."""
    frame = about.frame(_HEIGHT)
    scale, ticks = duration_ticks(max((p.value or 0 for _, points in lines.values() for p in points), default=1) or 1)
    marks = [mark for name, points in lines.values() for mark in steps(frame, about.times, scale, points, name)]
    legend = [Key(label, name, "line") for label, (name, _) in lines.items()]
    return frame.chart(marks, time_ticks(about.times), ticks, legend)


def under_way(about: About, most: Sequence[Point], mean: Sequence[Point]) -> Chart:
    """The maximum number in flight in each bin as columns, and the average as a line."""
    frame = about.frame(_LOW)
    scale, ticks = count_ticks(max((point.value or 0 for point in most), default=1))
    marks = [*_columns(frame, about.times, scale, most, "sky"), _average(frame, about.times, scale, mean)]
    legend = [Key("most at a time", "sky"), Key("average", "blue", "line")]
    return frame.chart(marks, time_ticks(about.times), ticks, legend)


def _columns(
    frame: Frame, times: Times, scale: Callable[[float], float], points: Sequence[Point], name: str
) -> Iterator[Markup]:
    for point in points:
        left, right = times.clamped(point.begin), times.clamped(point.end)
        y = frame.y(scale(point.value or 0))
        yield tag(
            "rect", titled(point.says), x=percent(left), width=percent(right - left), y=y, height=frame.height - y,
            fill=colour(name), fill_opacity=0.45,
        )  # fmt: skip


def _average(frame: Frame, times: Times, scale: Callable[[float], float], points: Sequence[Point]) -> Markup:
    places = [
        f"{NOMINAL_WIDTH * (times.clamped(p.begin) + times.clamped(p.end)) / 2:.1f},{frame.y(scale(p.value or 0)):.1f}"
        for p in points
    ]
    line = (
        tag("path", d="M" + "L".join(places), class_="line", fill="none", stroke=colour("blue"), stroke_width=2)
        if places
        else tag("g")
    )
    return stretched(frame, line)


def answer_times(about: About, points: Sequence[Point]) -> Chart:
    """Lines from the median time of an answer to that of slow ones (p95), in milliseconds."""
    frame = about.frame(_LOW)
    top = max((point.high or 0 for point in points), default=1) or 1
    scale, ticks = number_ticks(top, lambda number: f"{number:g} ms")
    marks = whiskers(frame, about.times, scale, points, "blue")
    legend = [Key("half answered within; the line reaches to 95%", "blue", "dot")]
    return frame.chart(marks, time_ticks(about.times), ticks, legend)


def shares_by_time(frame: Frame, times: Sequence[float], bands: Mapping[str, tuple[str, Sequence[float]]]) -> Chart:
    """Bands that add up to 100%, by time since submission.

    Args:
        frame: the frame of the chart.
        times: times since submission, in seconds.
        bands: maps labels to a colour and the upper edge at each of `times`, from bottom to top.
    """
    top = times[-1] if times and times[-1] > 0 else 1.0
    round_scale, ticks = duration_ticks(top)
    shown = [Tick(tick.at * round_scale.high / top, tick.label) for tick in ticks]
    scale = Linear(0, top)
    lower: Sequence[float] = [0.0] * len(times)
    areas = []
    for name, upper in bands.values():
        areas.append(_area(frame, [scale(one) for one in times], lower, upper, name))
        lower = upper
    y_ticks = [Tick(quarter / 4, f"{25 * quarter}%") for quarter in range(5)]
    legend = [Key(label, name) for label, (name, _) in bands.items()]
    return frame.chart([stretched(frame, *areas)], [one for one in shown if one.at <= 1], y_ticks, legend)


def _area(frame: Frame, x: Sequence[float], lower: Sequence[float], upper: Sequence[float], name: str) -> Markup:
    ahead = [f"{NOMINAL_WIDTH * at:.1f},{frame.y(share):.1f}" for at, share in zip(x, upper, strict=True)]
    back = [f"{NOMINAL_WIDTH * at:.1f},{frame.y(share):.1f}" for at, share in zip(x, lower, strict=True)]
    return tag("path", d="M" + "L".join([*ahead, *reversed(back)]) + "Z", fill=colour(name), fill_opacity=0.75)


def week(name: str, title: str, says: str, values: Mapping[tuple[int, int], tuple[float, str]], shade: str) -> Chart:
    """Seven days by 24 hours. `values` maps (weekday from 1, hour) to the strength of the colour and a tooltip.

    The title is shown above the chart, as the only entry of its legend.
    """
    frame = Frame(name, title, says, _CELL * len(_DAYS))
    high = max((value for value, _ in values.values()), default=0) or 1
    marks = []
    for day in range(1, len(_DAYS) + 1):
        for hour in range(_HOURS):
            value, said = values.get((day, hour), (0.0, ""))
            strength = 0.12 + 0.88 * value / high
            marks.append(
                tag(
                    "rect", titled(said), x=percent(hour / _HOURS), width=percent(0.92 / _HOURS),
                    y=(day - 1) * _CELL + 1, height=_CELL - 2,
                    fill=colour(shade if value else "grid"), fill_opacity=strength if value else 0.6,
                )
            )  # fmt: skip
    x_ticks = [Tick((hour + 0.46) / _HOURS, str(hour)) for hour in _HOUR_LABELS]
    y_ticks = [Tick(1 - (number + 0.5) / len(_DAYS), day, has_line=False) for number, day in enumerate(_DAYS)]
    return frame.chart(marks, x_ticks, y_ticks, [Key(title, shade)])
