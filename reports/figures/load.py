"""How many tasks are in flight, and which hours of the week are busy or slow."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import polars as pl

from reports import sentences, words
from reports.charts.more import under_way, week
from reports.charts.series import Point
from reports.elements import Figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.figures.context import Context, Row

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def load(context: Context) -> Figure:
    """Tasks in flight over time."""
    frame = context.rows("from in_flight_over_time order by bin_start")
    says, title = sentences.load(frame), "How many tasks are under way?"
    about = context.chart("in-flight", title, says)
    chart = under_way(about, _points(frame, "most_in_flight"), _points(frame, "mean_in_flight"))
    return Figure(
        key="in-flight",
        title=title,
        says=says,
        unit=f"tasks under way at the end of a minute ({context.zone})",
        cohort=f"{context.about}, and those submitted before that were still under way",
        tasks=int(frame["submitted"].sum()),
        data=frame,
        charts=(chart,) if frame["most_in_flight"].drop_nulls().len() else (),
        note="A task whose end has no time counts for the median time of its kind, within the limits that its answers "
        "set.",
    )


def _points(frame: pl.DataFrame, name: str) -> list[Point]:
    starts = frame["bin_start"].to_list()
    step = min((after - before for before, after in pairwise(starts)), default=timedelta(hours=1))
    return [
        Point(row["bin_start"], row["bin_start"] + step, row[name], None, None, is_partial=False, says=_about(row))
        for row in frame.iter_rows(named=True)
    ]


def _about(row: Row) -> str:
    return (
        f"{words.minute(row['bin_start'])}: {row['most_in_flight']:,} at a time at most, "
        f"{row['mean_in_flight']:,.1f} on average; {row['submitted']:,} submitted, {row['ended']:,} ended"
    )


def by_hour_of_week(context: Context) -> Figure:
    """Two maps of the week: how many tasks were submitted, and how long those that succeeded took."""
    frame = context.rows("from hour_by_weekday order by weekday, hour")
    says, title = sentences.week(frame, context.zone), "When is it busy, and when slow?"
    tasks = int(frame["tasks"].sum())
    # Outside of whole weeks, some hours of the week occur once more than others and would look busier.
    submitted = "weekly_tasks" if frame["weekly_tasks"].drop_nulls().len() else "tasks"
    titles = {
        submitted: f"Tasks submitted{' a week' if submitted != 'tasks' else ''}: {_ends(frame[submitted], _number)}",
        "p50_seconds": f"Median time to success: {_ends(frame['p50_seconds'], words.duration)}",
    }
    charts = tuple(
        week(f"week-{key}", titles[name], says, _values(frame, name), shade)
        for key, name, shade in (("busy", submitted, "blue"), ("slow", "p50_seconds", "orange"))
        if frame.filter(pl.col(name) > 0).height > 1
    )
    return Figure(
        key="week",
        title=title,
        says=says,
        unit=f"tasks submitted, and median time to success, by weekday and hour of submission ({context.zone})",
        cohort=context.about,
        tasks=tasks,
        data=frame,
        charts=charts,
    )


def _number(number: float) -> str:
    return f"{number:,.1f}".removesuffix(".0")


def _values(frame: pl.DataFrame, name: str) -> dict[tuple[int, int], tuple[float, str]]:
    return {(row["weekday"], row["hour"]): (row[name] or 0, _about_hour(row)) for row in frame.iter_rows(named=True)}


def _ends(values: pl.Series, shown: Callable[[float], str]) -> str:
    known = [value for value in values if value]
    return f"palest {shown(min(known))}, strongest {shown(max(known))}" if known else "none"


def _about_hour(row: Row) -> str:
    median = f", half of the succeeded within {words.duration(row['p50_seconds'])}" if row["p50_seconds"] else ""
    return f"{_DAYS[row['weekday'] - 1]} {row['hour']:02}:00: {words.tasks(row['tasks'])} submitted{median}"
