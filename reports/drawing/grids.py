"""Hours by weekdays, and two clocks side by side."""

# ruff: noqa: ANN401 - altair's own types of charts are inconsistent

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import altair as alt

from reports import words
from reports.drawing.parts import Row, chart, coloured, duration_x, framed, largest, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from reports.look import Look

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CELL: Final = 22
_CLOCKS: Final = {"by the gateway's clock": "blue", "by the provider's clock": "orange"}


def hour_by_weekday(frame: pl.DataFrame, look: Look) -> Any:
    """Two maps of the week: how many tasks were submitted, and how long those that succeeded took."""
    data = [row | {"day": _DAYS[row["weekday"] - 1], "about": _about(row)} for row in rows(frame)]
    busy = _map(data, "tasks", ["Tasks submitted", _ends(frame["tasks"], words.count)], "blue", look)
    slow = _map(data, "p50_seconds", ["Median latency", _ends(frame["p50_seconds"], words.duration)], "orange", look)
    join = alt.vconcat if look.is_narrow else alt.hconcat
    spacing = 18 if look.is_narrow else 28
    joined = join(busy, slow, spacing=spacing).resolve_scale(opacity="independent")
    return joined.properties(padding=4).configure(**look.config())


def _map(data: list[Row], field: str, words_above: list[str], colour: str, look: Look) -> Any:
    width = (look.width if look.is_narrow else (look.width - 28) / 2) - 48
    hours = alt.Axis(values=[0, 6, 12, 18, 23], title="hour, UTC", titleAnchor="end", labelAngle=0, domain=False)
    days = alt.Axis(title=None, domain=False)
    base = chart([row for row in data if row[field]]).encode(
        x=alt.X("hour:O", axis=hours, scale=alt.Scale(domain=list(range(24)), paddingInner=0.08)),
        y=alt.Y("day:O", axis=days, sort=list(_DAYS), scale=alt.Scale(domain=list(_DAYS), paddingInner=0.08)),
    )
    strength = alt.Opacity(f"{field}:Q", scale=alt.Scale(range=[0.1, 1], zero=False), legend=None)
    cells = base.mark_rect(fill=look.colour(colour)).encode(opacity=strength, description="about:N", tooltip="about:N")
    empty = chart([row for row in data if not row[field]]).mark_rect(fill=look.colour("grid"), opacity=0.5)
    empty = empty.encode(x=base.encoding.x, y=base.encoding.y)
    title = alt.TitleParams(words_above[0], subtitle=words_above[1])
    return alt.layer(empty, cells).properties(width=width, height=_CELL * 7, title=title)


def _ends(values: pl.Series, shown: Callable[[Any], str]) -> str:
    known = [value for value in values if value]
    if not known:
        return "none"
    return f"faintest {shown(min(known))}, strongest {shown(max(known))}"


def _about(row: Row) -> str:
    median = f", half of the succeeded within {words.duration(row['p50_seconds'])}" if row["p50_seconds"] else ""
    return f"{_DAYS[row['weekday'] - 1]} {row['hour']:02}:00 UTC: {words.tasks(row['tasks'])} submitted{median}"


def clocks(frame: pl.DataFrame, look: Look) -> Any:
    """The same quantiles by either clock; the line between them is the difference."""
    data = [
        {
            "share": f"{words.rough(row['q'])} within",
            "series": series,
            "seconds": row[name],
            "other": row[other],
            "about": f"{words.rough(row['q'])} within {words.duration(row[name])} {series}",
        }
        for row in rows(frame)
        for series, name, other in zip(
            _CLOCKS, ("gateway_seconds", "provider_seconds"), ("provider_seconds", "gateway_seconds"), strict=True
        )
    ]
    top = 1.05 * largest(row["seconds"] for row in data)
    shares = alt.Y("share:O", sort=None, title=None, axis=alt.Axis(grid=False, labelLimit=90))
    base = chart(data).encode(y=shares, x=duration_x("seconds", top))
    line = base.mark_rule(strokeWidth=2, opacity=0.4, stroke=look.colour("grey")).encode(x2="other:Q")
    dots = base.mark_circle(size=110, opacity=1).encode(
        color=coloured("series", _CLOCKS, look), description="about:N", tooltip="about:N"
    )
    return framed(line + dots, look, 270)
