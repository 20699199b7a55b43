"""What charts have in common: rows, axes of time and of durations, and the frame around them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import altair as alt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl

    from reports.look import Look

Row = dict[str, Any]

#: Steps of a duration axis, in seconds, that people count in.
_STEPS: Final = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000, 5_184_000, 15_552_000),
)
_MOST_TICKS: Final = 6
_DURATION: Final = (
    "datum.value >= 172800 ? format(datum.value / 86400, '~g') + ' d' "
    ": datum.value >= 7200 ? format(datum.value / 3600, '~g') + ' h' "
    ": datum.value >= 120 ? format(datum.value / 60, '~g') + ' min' : format(datum.value, '~g') + ' s'"
)

#: With so few points a band is hard to see: whiskers then.
FEW_POINTS: Final = 3


def rows(frame: pl.DataFrame) -> list[Row]:
    """The frame's rows as JSON has them: times as Unix milliseconds."""
    return [{name: _plain(value) for name, value in row.items()} for row in frame.iter_rows(named=True)]


def _plain(value: object) -> object:
    return int(value.astimezone(UTC).timestamp() * 1000) if isinstance(value, datetime) else value


def chart(data: Sequence[Row]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=list(data)))


def framed(picture: alt.LayerChart, look: Look, height: int) -> alt.LayerChart:
    """In the look's width, axes and legend included."""
    fit = alt.AutoSizeParams(type="fit", contains="padding")
    sized = picture.properties(width=look.width, height=height, autosize=fit, padding=4)
    return sized.configure(**look.config())


def time_axis(field: str, *, domain: Sequence[int] | None = None) -> alt.X:
    """Times in UTC, whatever the zone of whoever draws."""
    scale = alt.Scale(type="utc", domain=list(domain)) if domain else alt.Scale(type="utc")
    return alt.X(f"{field}:T", scale=scale, title="UTC", axis=alt.Axis(titleAnchor="end", labelFlush=True))


def duration_ticks(top: float) -> list[float]:
    """Ticks from 0 that people count in, the last of them at or above `top`."""
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


def duration_x(field: str, top: float) -> alt.X:
    """The same along x."""
    scale, axis = duration_scale(top)
    return alt.X(f"{field}:Q", scale=scale, axis=axis, title=None)


def coloured(field: str, names: dict[str, str], look: Look) -> alt.Color:
    """Colour by `field`, whose values have the colours of these names, with a legend of those."""
    scale = alt.Scale(domain=list(names), range=[look.colour(name) for name in names.values()])
    return alt.Color(f"{field}:N", scale=scale, sort=list(names))


def largest(values: Iterable[float | None]) -> float:
    return max((value for value in values if value is not None), default=0.0)
