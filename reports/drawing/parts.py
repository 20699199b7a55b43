"""Parts that charts share: rows, axes of time and of durations, and the frame around them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import altair as alt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl

    from reports.look import Look

Row = dict[str, Any]

#: Round steps of a duration axis, in seconds.
_STEPS: Final = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000, 5_184_000, 15_552_000),
)
_MOST_TICKS: Final = 6
#: Of a legend, in CSS pixels.
_CHARACTER: Final = 7
_SYMBOL: Final = 30
_DURATION: Final = (
    "datum.value >= 172800 ? format(datum.value / 86400, '~g') + ' d' "
    ": datum.value >= 7200 ? format(datum.value / 3600, '~g') + ' h' "
    ": datum.value >= 120 ? format(datum.value / 60, '~g') + ' min' : format(datum.value, '~g') + ' s'"
)

_HOUR: Final = 3_600_000
_DAY: Final = 24 * _HOUR
_HOUR_STEPS: Final = tuple(_HOUR * hours for hours in (1, 2, 3, 6, 12, 24))
_DAY_STEPS: Final = tuple(_DAY * days for days in (1, 2, 3, 5, 7, 14, 28, 56, 91, 182, 364, 728, 3640, 36_400))

#: With this few points or fewer, whiskers are drawn, because a band would be hard to see.
FEW_POINTS: Final = 3


def rows(frame: pl.DataFrame) -> list[Row]:
    """The frame's rows for JSON: times as Unix milliseconds."""
    return [{name: _plain(value) for name, value in row.items()} for row in frame.iter_rows(named=True)]


def _plain(value: object) -> object:
    return int(value.astimezone(UTC).timestamp() * 1000) if isinstance(value, datetime) else value


def chart(data: Sequence[Row]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=list(data)))


def framed(picture: Any, look: Look, height: int) -> Any:  # noqa: ANN401 - altair's types of charts are inconsistent
    """The chart in the look's width, including axes and legend."""
    fit = alt.AutoSizeParams(type="fit", contains="padding")
    sized = picture.properties(width=look.width, height=height, autosize=fit, padding=4)
    return sized.configure(**look.config())


def time_axis(field: str, data: Sequence[Row], look: Look) -> alt.X:
    """Times in UTC, whatever the machine's time zone: ticks by day, or by hour if the range is at most two days."""
    moments = [row[field] for row in data]
    first, last = min(moments), max(moments)
    lone = 0 if last > first else 12 * _HOUR  # a single moment needs a range around it
    scale = alt.Scale(type="utc", domain=[first - lone, last + lone])
    most = 4 if look.is_narrow else 9
    by_day = last - first > 2 * _DAY
    step = next(one for one in (_DAY_STEPS if by_day else _HOUR_STEPS) if (last - first + 2 * lone) / one <= most)
    begin = -(-(first - lone) // step) * step
    values = list(range(begin, last + lone + 1, step))
    label = "utcFormat(datum.value, '%-d %b')" if by_day else "utcFormat(datum.value, '%-d %b %H:%M')"
    axis = alt.Axis(values=values, labelExpr=label, labelFlush=False)
    return alt.X(f"{field}:T", scale=scale, title=None, axis=axis)


def duration_ticks(top: float) -> list[float]:
    """Round ticks from 0, the last of them at or above `top`."""
    step = next((one for one in _STEPS if top / one <= _MOST_TICKS), _STEPS[-1])
    return [step * number for number in range(int(-(-top // step)) + 1)]


def duration_scale(top: float) -> tuple[alt.Scale, alt.Axis]:
    ticks = duration_ticks(top or 1)
    scale = alt.Scale(domain=[0, ticks[-1]], nice=False)
    return scale, alt.Axis(values=ticks, labelExpr=_DURATION)


def duration_y(field: str, top: float) -> alt.Y:
    """A y axis of durations, from 0 to a round number above `top` seconds."""
    scale, axis = duration_scale(top)
    return alt.Y(f"{field}:Q", scale=scale, axis=axis, title=None)


def duration_x(field: str, top: float, *, is_exact: bool = False) -> alt.X:
    """The same along x; if exact, the axis ends at `top` itself."""
    scale, axis = duration_scale(top)
    if is_exact:
        scale = alt.Scale(domain=[0, top], nice=False)
    return alt.X(f"{field}:Q", scale=scale, axis=axis, title=None)


def share_axis(**options: Any) -> alt.Axis:  # noqa: ANN401 - of alt.Axis
    return alt.Axis(labelExpr="format(100 * datum.value, '~g') + '%'", **options)


def coloured(field: str, names: dict[str, str], look: Look, *, has_legend: bool = True) -> alt.Color:
    """Colour by `field`: `names` maps its values to colours. With a legend of these values."""
    scale = alt.Scale(domain=list(names), range=[look.colour(name) for name in names.values()])
    legend = alt.Legend(columns=_columns(names, look)) if has_legend else None
    return alt.Color(f"{field}:N", scale=scale, sort=list(names), legend=legend)


def _columns(names: Iterable[str], look: Look) -> int:
    """As many columns as fit into the width."""
    widest = max(len(name) for name in names) * _CHARACTER + _SYMBOL
    in_one_row = sum(len(name) * _CHARACTER + _SYMBOL for name in names)
    return 0 if in_one_row <= look.width else max(1, int(look.width // widest))


def largest(values: Iterable[float | None]) -> float:
    return max((value for value in values if value is not None), default=0.0)
