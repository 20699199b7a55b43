"""Curves over time, with the uncertainty around them."""

# ruff: noqa: ANN401 - altair's own types of charts are inconsistent

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import altair as alt

from reports import words
from reports.drawing.parts import (
    FEW_POINTS,
    Row,
    chart,
    coloured,
    duration_x,
    duration_y,
    framed,
    largest,
    rows,
    share_axis,
    time_axis,
)

if TYPE_CHECKING:
    import polars as pl

    from reports.look import Look

_HEIGHT: Final = 270
_LOW: Final = 210

_PERCENTILES: Final = {"half have ended within": "blue", "95% have ended within": "orange"}
_PHASES: Final = {"waiting in the queue": "amber", "running": "blue"}
_OUTCOMES: Final = {"succeeded": "green", "still running": "grey", "failed": "orange"}
_RATES: Final = {"of those that ended": "blue", "projected: once those in flight have ended": "amber"}


def latency_over_time(frame: pl.DataFrame, look: Look) -> Any:
    """Two percentiles with their intervals; a band without an upper end runs off the top."""
    top = 1.15 * largest([*frame["p95_seconds"], *frame["p95_seconds_low"], *frame["p50_seconds_high"]])
    data = [
        _spread(row, label, name, beyond=2 * top)
        for row in rows(frame)
        for label, name in zip(_PERCENTILES, ("p50", "p95"), strict=True)
    ]
    base = chart(data).encode(x=time_axis("bucket_start", data, look), color=coloured("series", _PERCENTILES, look))
    line = base.mark_line(strokeWidth=2).encode(y=duration_y("seconds", top))
    dots = base.mark_circle(size=44, opacity=1).encode(
        y=duration_y("seconds", top), description="about:N", tooltip="about:N"
    )
    return framed(_band(base, data, top) + line + dots, look, _HEIGHT)


def _spread(row: Row, label: str, name: str, *, beyond: float) -> Row:
    seconds, low, high = (row[f"{name}_seconds{end}"] for end in ("", "_low", "_high"))
    bounds = words.interval(words.duration(low), words.duration(high))
    about = f"{_when(row['bucket_start'])}: {label} {words.duration(seconds)} ({bounds}); {words.tasks(row['tasks'])}"
    top = None if low is None else (beyond if high is None else high)
    return {"bucket_start": row["bucket_start"], "series": label, "seconds": seconds, "low": low, "high": top} | {
        "about": about
    }


def _band(base: Any, data: list[Row], top: float) -> Any:
    """The interval as a band, or as whiskers if there are too few points for a band."""
    y, y2 = duration_y("low", top), alt.Y2("high:Q")
    known = len({row["bucket_start"] for row in data if row["low"] is not None})
    if known <= FEW_POINTS:
        return base.mark_rule(strokeWidth=3, opacity=0.35, clip=True).encode(y=y, y2=y2)
    return base.mark_area(opacity=0.16, clip=True).encode(y=y, y2=y2)


def failure_over_time(frame: pl.DataFrame, look: Look) -> Any:
    """The failure rate with its Wilson interval, and the projected rate if some tasks are in flight."""
    some_in_flight = bool(frame["in_flight"].sum())
    data = [row | {"about": _about_rate(row)} for row in rows(frame)]
    observed, projected = _RATES
    long = [
        {**row, "series": series, "rate": row[name]}
        for row in data
        for series, name in ((observed, "failure_rate"), (projected, "projected_failure_rate"))
        if series == observed or some_in_flight
    ]
    top = min(1.0, 1.1 * largest([*frame["failure_rate_high"], *frame["projected_failure_rate"]]) or 0.1)
    y = alt.Y("rate:Q", scale=alt.Scale(domain=[0, top]), axis=share_axis(), title=None)
    colour = coloured("series", _RATES if some_in_flight else {observed: _RATES[observed]}, look)
    base = chart(long).encode(x=time_axis("bucket_start", data, look), color=colour)
    seen = alt.datum.series == observed
    bounds = base.transform_filter(seen).encode(
        y=alt.Y("failure_rate_low:Q", scale=alt.Scale(domain=[0, top]), title=None), y2="failure_rate_high:Q"
    )
    few = frame["failure_rate"].drop_nulls().len() <= FEW_POINTS
    band = bounds.mark_rule(strokeWidth=3, opacity=0.35) if few else bounds.mark_area(opacity=0.16)
    line = base.transform_filter(seen).mark_line(strokeWidth=2).encode(y=y)
    dots = (
        base.transform_filter(seen)
        .mark_circle(size=44, opacity=1)
        .encode(y=y, description="about:N", tooltip="about:N")
    )
    dashes = base.transform_filter(alt.datum.series == projected).mark_line(
        strokeWidth=2, strokeDash=[5, 4], point={"size": 30, "filled": False, "strokeWidth": 1.5, "aria": False}
    )
    return framed(band + line + dots + dashes.encode(y=y), look, _HEIGHT)


def _about_rate(row: Row) -> str:
    bounds = words.interval(words.percent(row["failure_rate_low"]), words.percent(row["failure_rate_high"]))
    return (
        f"{_when(row['bucket_start'])}: {words.percent(row['failure_rate'])} failed ({bounds}), projected "
        f"{words.percent(row['projected_failure_rate'])}; {words.tasks(row['submitted'])}, "
        f"{row['in_flight']:,} in flight"
    )


def outcome_by_time(frame: pl.DataFrame, look: Look) -> Any:
    """Shares of tasks by the time since submission: succeeded from below, failed from above, running between."""
    top = largest(frame["t_seconds"]) or 1.0
    data = [
        {"t_seconds": row["t_seconds"], "series": series, "low": low, "high": high}
        for row in rows(frame)
        for series, low, high in (
            ("succeeded", 0, row["p_success"]),
            ("still running", row["p_success"], 1 - row["p_failure"]),
            ("failed", 1 - row["p_failure"], 1),
        )
    ]
    x = duration_x("t_seconds", top, is_exact=True)
    share = share_axis(values=[0, 0.25, 0.5, 0.75, 1])
    y = alt.Y("low:Q", scale=alt.Scale(domain=[0, 1]), axis=share, title=None)
    base = chart(data).encode(x=x, color=coloured("series", _OUTCOMES, look))
    areas = base.mark_area(interpolate="step-after", clip=True).encode(
        y=y, y2="high:Q", opacity=alt.condition("datum.series == 'still running'", alt.value(0.12), alt.value(0.55))
    )
    edge = base.transform_filter("datum.series == 'succeeded'").mark_line(
        interpolate="step-after", strokeWidth=2, clip=True
    )
    hover = _hover(frame, look, top)
    return framed(alt.layer(areas, edge.encode(y=alt.Y("high:Q", axis=share, title=None)), hover), look, _HEIGHT)


def _hover(frame: pl.DataFrame, look: Look, top: float) -> Any:
    """Invisible strips whose tooltips show the shares at a time."""
    data = [{"t_seconds": row["t_seconds"], "about": _about_outcome(row)} for row in rows(frame.gather_every(4))]
    x = duration_x("t_seconds", top, is_exact=True)
    return (
        chart(data)
        .mark_rule(strokeWidth=look.width / 30, opacity=0)
        .encode(x=x, description="about:N", tooltip="about:N")
    )


def _about_outcome(row: Row) -> str:
    return (
        f"after {words.duration(row['t_seconds'])}: {words.percent(row['p_success'])} have succeeded, "
        f"{words.percent(row['p_failure'])} have failed, {words.percent(row['p_running'])} still run"
    )


def queue_and_run(frame: pl.DataFrame, look: Look) -> Any:
    """Median waiting and running, with a band from the median to the 90th percentile."""
    top = 1.1 * largest([*frame["queue_p90_seconds"], *frame["run_p90_seconds"]])
    data = [
        {
            "bucket_start": row["bucket_start"],
            "series": label,
            "low": row[f"{name}_p50_seconds"],
            "high": row[f"{name}_p90_seconds"],
            "about": f"{_when(row['bucket_start'])}: {label}, median {words.duration(row[f'{name}_p50_seconds'])}, "
            f"90% within {words.duration(row[f'{name}_p90_seconds'])}; {words.tasks(row['tasks'])}",
        }
        for row in rows(frame)
        for label, name in zip(_PHASES, ("queue", "run"), strict=True)
    ]
    base = chart(data).encode(x=time_axis("bucket_start", data, look), color=coloured("series", _PHASES, look))
    y = duration_y("low", top)
    dots = base.mark_circle(size=36, opacity=1).encode(y=y, description="about:N", tooltip="about:N")
    return framed(_band(base, data, top) + base.mark_line(strokeWidth=2).encode(y=y) + dots, look, _HEIGHT)


def in_flight_over_time(frame: pl.DataFrame, look: Look) -> Any:
    """The largest number in flight in each bin, and the average."""
    names = {"most at a time": "sky", "average": "blue"}
    data = [row | {"most": "most at a time", "mean": "average", "about": _about_load(row)} for row in rows(frame)]
    base = chart(data).encode(x=time_axis("bin_start", data, look))
    whole = alt.Axis(format=",d", tickMinStep=1)
    most = (
        base.mark_bar(opacity=0.45, width={"band": 1})
        if len(data) <= FEW_POINTS
        else base.mark_area(opacity=0.35, interpolate="step-after")
    )
    line = base.mark_line(strokeWidth=1.5).encode(
        y=alt.Y("mean_in_flight:Q", axis=whole, title=None), color=coloured("mean", names, look)
    )
    most = most.encode(y=alt.Y("most_in_flight:Q", axis=whole, title=None), color=coloured("most", names, look))
    hover = base.mark_circle(size=70, opacity=0).encode(y="most_in_flight:Q", description="about:N", tooltip="about:N")
    return framed(alt.layer(most, line, hover), look, _LOW)


def _about_load(row: Row) -> str:
    return (
        f"{_when(row['bin_start'], with_hour=True)}: {row['most_in_flight']:,} at a time at most, "
        f"{row['mean_in_flight']:,.1f} on average; {row['submitted']:,} submitted, {row['ended']:,} ended"
    )


def api_over_time(frame: pl.DataFrame, look: Look) -> Any:
    """From the median answer to the slow ones, by bin."""
    top = largest(frame["p95_ms"]) or 1
    data = [row | {"series": "half of the answers to 95% of them", "about": _about_speed(row)} for row in rows(frame)]
    names = {"half of the answers to 95% of them": "blue"}
    base = chart(data).encode(x=time_axis("bin_start", data, look), color=coloured("series", names, look))
    y = alt.Y(
        "p50_ms:Q", title=None, scale=alt.Scale(domain=[0, 1.1 * top]), axis=alt.Axis(labelExpr="datum.label + ' ms'")
    )
    spread = base.mark_rule(strokeWidth=5, strokeCap="round", opacity=0.45).encode(y=y, y2="p95_ms:Q")
    dots = base.mark_circle(size=60, opacity=1).encode(y=y, description="about:N", tooltip="about:N")
    return framed(spread + dots, look, _LOW)


def _about_speed(row: Row) -> str:
    return (
        f"{_when(row['bin_start'], with_hour=True)}: half answered within {row['p50_ms']:,.0f} ms, 95% within "
        f"{row['p95_ms']:,.0f} ms; {words.plural(row['answers'], 'answer')}, {row['unanswered']:,} of them unusable, "
        f"{words.plural(row['refusals'], 'request')} rate-limited"
    )


def _when(milliseconds: int, *, with_hour: bool = False) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    if with_hour or moment.hour or moment.minute:
        return words.minute(moment)
    return f"{moment.day} {moment:%b %Y}"
