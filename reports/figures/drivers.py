"""What is different about the tasks that fail or take long: values whose tasks differ from comparable tasks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import polars as pl

from reports import words
from reports.charts.cells import axis, interval
from reports.charts.scales import Linear, Tick
from reports.cohort import using
from reports.comparison.facts import Driver
from reports.comparison.sentences import driver_sentence
from reports.elements import Figure
from reports.examples import of_drivers
from reports.templating import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from markupsafe import Markup

    from reports.figures.context import Context, Row

_TITLE: Final = "What differs?"
#: An effect is clear if its q-value is at most this: see is_clear of drivers_between.
_CLEAR: Final = 0.03
_MOST_CLEAR: Final = 20
_MOST_OTHERS: Final = 30
_MOST_EXAMPLES: Final = 8


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect of a value, as a drawing and as text.

    Attributes:
        drawing: a dot and an interval; None if there are too few tasks.
        text: the effect with its interval.
        is_clear: whether chance does not explain it.
    """

    drawing: Markup | None
    text: str
    is_clear: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One value with its two effects."""

    name: str
    value: str
    link: str | None
    tasks: int
    failure: Effect
    latency: Effect


def bounds_of(context: Context) -> Row:
    """The chosen range of time, `t0` to `t1`, by default the last seven days of tasks; None for an open end."""
    span = "select coalesce(since, (select max(submit_time) - interval 7 days from always.tasks)) as t0, until as t1"
    return context.rows(f"{span} from memory.filters").row(0, named=True)


def read(context: Context) -> pl.DataFrame:
    """The rows of drivers_between within the bounds."""
    with using(context.con, "always"):
        query = "from drivers_between($t0::timestamptz, coalesce($t1::timestamptz, 'infinity'::timestamptz))"
        frame = context.rows(query, bounds_of(context))
    return frame.with_columns(
        best_q=pl.min_horizontal("failure_q_value", "latency_q_value"),
        best_p=pl.min_horizontal("failure_p_value", "latency_p_value"),
        # With very many tasks both are 0. Then the effect divided by the width of its interval decides.
        width=-pl.max_horizontal(*_in_widths()),
    ).sort("best_q", "best_p", "width", "dimension", "value", nulls_last=True)


def _in_widths() -> Iterator[pl.Expr]:
    for kind, placed in (("failure", lambda one: one), ("latency", pl.Expr.log)):
        effect, low, high = (placed(pl.col(f"{kind}_effect{end}")) for end in ("", "_low", "_high"))
        yield pl.when(high > low).then(effect.abs() / (high - low))


def first(frame: pl.DataFrame, number: int) -> list[Driver]:
    """The clearest values whose tasks fail more often or take longer, chosen as in `compare` (clear_drivers.sql)."""
    found = [_driver(row) for row in frame.filter(pl.col("is_clear")).iter_rows(named=True)]
    return [one for one in found if (one.failure_effect or 0) > 0 or (one.latency_effect or 1) > 1][:number]


def _driver(row: Row) -> Driver:
    fails = _is_clear(row, "failure")
    takes = _is_clear(row, "latency") and row["dimension"] != "action"
    return Driver(
        row["dimension"],
        row["value"],
        row["n"],
        *(row[f"failure_effect{end}"] if fails else None for end in ("", "_low", "_high")),
        *(row[f"latency_effect{end}"] if takes else None for end in ("", "_low", "_high")),
    )


def _is_clear(row: Row, kind: str) -> bool:
    return row[f"{kind}_q_value"] is not None and row[f"{kind}_q_value"] <= _CLEAR


def drivers(context: Context, frame: pl.DataFrame) -> Figure:
    """A dot and an interval per value; values without a clear effect are folded."""
    looked_at = frame.filter(pl.col("best_p").is_not_null())
    clear, others = looked_at.filter(pl.col("is_clear")), looked_at.filter(~pl.col("is_clear"))
    shown = pl.concat([clear.head(_MOST_CLEAR), others.head(_MOST_OTHERS)])
    points, times = _points_scale(shown), _times_scale(shown)
    body = render(
        "drivers.html.jinja",
        clear=[_line(context, row, points, times) for row in clear.head(_MOST_CLEAR).iter_rows(named=True)],
        others=[_line(context, row, points, times) for row in others.head(_MOST_OTHERS).iter_rows(named=True)],
        more=max(clear.height - _MOST_CLEAR, 0) + max(others.height - _MOST_OTHERS, 0),
        failure_axis=axis(_points_ticks(points)),
        latency_axis=axis(_times_ticks(times)),
        where=context.where,
    )
    return Figure(
        key="drivers",
        title=_TITLE,
        says=_says(context, frame, clear, looked_at),
        unit="difference from comparable tasks (same source, action and day), with its 95% interval",
        cohort=f"{context.about}, {_range(context)}",
        tasks=context.most(frame.group_by("dimension").agg(pl.col("n").sum())["n"]),
        data=frame,
        body=body,
        examples=of_drivers(context, first(frame, _MOST_EXAMPLES), bounds_of(context)),
        counted="ended task",
        note="Dots to the right of the dotted line: fail more often, take longer. A difference is clear where chance "
        "does not explain it, with all values that were looked at taken into account. It is not yet a cause.",
    )


def _says(context: Context, frame: pl.DataFrame, clear: pl.DataFrame, looked_at: pl.DataFrame) -> str:
    if looked_at.is_empty():
        if context.facts["failed"] and not context.facts["succeeded"]:
            return "Every task that ended has failed, so none differs in how often it fails or how long it takes."
        return "Too few tasks have ended to say what is different about those that fail or take long."
    if clear.is_empty():
        return f"Of {looked_at.height:,} values looked at, none differs from comparable tasks beyond chance."
    worst = first(frame, 1)
    said = f" {driver_sentence(worst[0])}" if worst else " None of them fails more often or takes longer."
    number = "1 differs" if clear.height == 1 else f"{clear.height:,} differ"
    return f"Of {looked_at.height:,} values looked at, {number} clearly from comparable tasks.{said}"


def _range(context: Context) -> str:
    return "the range of time chosen" if context.cohort.since or context.cohort.until else "the last 7 days"


def _line(context: Context, row: Row, points: Linear, times: Linear) -> Line:
    name = words.dimension(row["dimension"])
    value = "none" if row["value"] is None else row["value"]
    chosen = urlencode({"value": f"{row['dimension']}={row['value'] or ''}"})
    link = f"{context.link}&{chosen}" if context.link else None
    return Line(name, value, link, row["n"], _failure(row, points), _latency(row, times))


def _failure(row: Row, scale: Linear) -> Effect:
    ends = [row[f"failure_effect{end}"] for end in ("", "_low", "_high")]
    if row["failure_p_value"] is None or None in ends:
        return Effect(None, "too few to tell", is_clear=False)
    is_clear = _is_clear(row, "failure")
    text = f"{_signed(ends[0], 100)} points ({_signed(ends[1], 100)} to {_signed(ends[2], 100)})"
    return Effect(_drawing(scale, ends, 0, lambda one: one, is_clear=is_clear), text, is_clear)


def _latency(row: Row, scale: Linear) -> Effect:
    ends = [row[f"latency_effect{end}"] for end in ("", "_low", "_high")]
    if row["latency_p_value"] is None or None in ends or min(ends) <= 0:
        return Effect(None, "too few to tell", is_clear=False)
    is_clear = _is_clear(row, "latency")
    text = f"{_percent(ends[0])} ({_percent(ends[1])} to {_percent(ends[2])})"
    return Effect(_drawing(scale, ends, 1, math.log, is_clear=is_clear), text, is_clear)


def _drawing(
    scale: Linear, ends: list[float], neutral: float, place: Callable[[float], float], *, is_clear: bool
) -> Markup:
    name = ("orange" if ends[0] > neutral else "blue") if is_clear else "grey"
    value, low, high = ends
    return interval(lambda one: scale(place(one)), value, low, high, neutral, name)


def _signed(value: float, factor: float) -> str:
    sign = "\u2212" if value < 0 else "+"
    return f"{sign}{abs(factor * value):.1f}"


def _percent(ratio: float) -> str:
    sign = "\u2212" if ratio < 1 else "+"
    return f"{sign}{words.rough(abs(ratio - 1))}"


def _points_scale(frame: pl.DataFrame) -> Linear:
    """Symmetric around 0 (no difference), wide enough for all effects and nine in ten bounds of their intervals."""
    reach = _reach(frame, "failure", abs)
    return Linear(-reach, reach)


def _times_scale(frame: pl.DataFrame) -> Linear:
    reach = _reach(frame, "latency", lambda ratio: abs(math.log(ratio)) if ratio > 0 else 0)
    return Linear(-reach, reach)


def _reach(frame: pl.DataFrame, kind: str, distance: Callable[[float], float]) -> float:
    ends = [*frame[f"{kind}_effect_low"].drop_nulls(), *frame[f"{kind}_effect_high"].drop_nulls()]
    effects = [*frame[f"{kind}_effect"].drop_nulls()]
    reaches = sorted(map(distance, ends))
    most = max(map(distance, effects), default=0)
    return max(1.1 * most, reaches[len(reaches) * 9 // 10] if reaches else 0, 0.05)


def _points_ticks(scale: Linear) -> list[Tick]:
    edge = scale.high
    return [Tick(0, f"\u2212{100 * edge:.0f} points"), Tick(0.5, "0"), Tick(1, f"+{100 * edge:.0f}")]


def _times_ticks(scale: Linear) -> list[Tick]:
    high, low = math.exp(scale.high), math.exp(scale.low)
    return [Tick(0, _percent(low)), Tick(0.5, "0"), Tick(1, _percent(high))]
