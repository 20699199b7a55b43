"""Scales from values to positions between 0 and 1, and round ticks for durations, shares, counts and times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: Round steps of a duration axis that begins at 0, in seconds.
_STEPS: Final = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000, 5_184_000, 15_552_000),
)
#: Round values of a logarithmic duration axis, in seconds.
_DECADES: Final = (
    *(0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400),
    *(259_200, 604_800, 2_592_000, 7_776_000, 31_536_000),
)
_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_MOST: Final = 5
_INNER: Final = 0.03
#: Maximum number of ticks of a time axis on a wide screen, and on a phone.
_WIDE, _NARROW = 8, 4
_HOUR_STEPS: Final = (1, 2, 3, 6, 12)
_DAY_STEPS: Final = (1, 2, 3, 5, 7, 14, 28)
_MONTH_STEPS: Final = (1, 2, 3, 6, 12, 24, 60, 120)
_TWO_DAYS: Final = timedelta(days=2)
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Linear:
    """Linear: `low` is at 0, `high` at 1."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        return (value - self.low) / ((self.high - self.low) or 1)


@dataclass(frozen=True, slots=True)
class Log:
    """Logarithmic: `low` (above 0) and everything below is at 0, `high` at 1."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        return math.log(max(value, self.low) / self.low) / (math.log(self.high / self.low) or 1)


@dataclass(frozen=True, slots=True)
class Times:
    """Linear in time: `first` is at 0, `last` at 1."""

    first: datetime
    last: datetime

    def __call__(self, moment: datetime) -> float:
        return (moment - self.first) / ((self.last - self.first) or timedelta(1))

    def clamped(self, moment: datetime) -> float:
        """The position, limited to 0 to 1."""
        return min(max(self(moment), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled position on an axis.

    Attributes:
        at: its position, from 0 to 1.
        label: its text.
        is_minor: whether it is hidden on narrow screens.
        has_line: whether a grid line is drawn at it.
    """

    at: float
    label: str
    is_minor: bool = False
    has_line: bool = True


def duration(seconds: float) -> str:
    """A round duration, short: 0.5 s, 30 s, 5 min, 3 h, 2 d."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    return f"{seconds / size:g} {unit}"


def duration_ticks(top: float) -> tuple[Linear, list[Tick]]:
    """A scale from 0 to a round duration at or above `top`, and its ticks."""
    step = next((one for one in _STEPS if top / one <= _MOST), _STEPS[-1])
    # One unit for all ticks, the largest in which a step is a multiple of a half: 0 to 100 s, not 0 s to 1.66667 min.
    size, unit = next(((size, unit) for size, unit in _UNITS if step % (size / 2) == 0), _UNITS[-1])
    return _from_zero(step, top, lambda seconds: f"{seconds / size:g} {unit}")


def log_duration_ticks(scale: Log) -> list[Tick]:
    """Ticks at round durations, except close to the edges, where the lanes have their labels."""
    return [Tick(scale(value), duration(value)) for value in _DECADES if _INNER < scale(value) < 1 - _INNER]


def share_ticks(top: float) -> tuple[Linear, list[Tick]]:
    """A scale from 0% to a round share at or above `top`, at most 100%."""
    scale, ticks = number_ticks(max(top, 0.001), lambda share: f"{100 * share:g}%")
    return (scale, ticks) if scale.high <= 1 else (Linear(0, 1), [Tick(n / 5, f"{20 * n}%") for n in range(6)])


def count_ticks(top: float) -> tuple[Linear, list[Tick]]:
    """A scale from 0 to a round whole number at or above `top`."""
    return number_ticks(max(top, 1), lambda number: f"{number:,.0f}", least=1)


def number_ticks(top: float, label: Callable[[float], str], least: float = 0) -> tuple[Linear, list[Tick]]:
    """A scale from 0 to a round number at or above `top`: steps of 1, 2 or 5 times a power of ten, at least `least`."""
    power = 10.0 ** math.floor(math.log10(top / _MOST))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if top / step <= _MOST + 1e-9)
    return _from_zero(max(step, least), top, label)


def _from_zero(step: float, top: float, label: Callable[[float], str]) -> tuple[Linear, list[Tick]]:
    number = max(1, math.ceil(top / step - 1e-9))
    scale = Linear(0, step * number)
    return scale, [Tick(one / number, label(round(step * one, 9))) for one in range(number + 1)]


def time_ticks(scale: Times) -> list[Tick]:
    """Ticks at round local times (hours, days or months) in the time zone of the scale's ends; only a few are major."""
    moments = list(_moments(scale))
    every = -(-len(moments) // _NARROW)
    by_hour = scale.last - scale.first <= _TWO_DAYS
    return [
        Tick(scale(moment), _label(moment, scale, by_hour=by_hour), is_minor=number % every != 0)
        for number, moment in enumerate(moments)
    ]


def _label(moment: datetime, scale: Times, *, by_hour: bool) -> str:
    if by_hour and (moment.hour or moment.minute):
        return f"{moment:%H:%M}"
    if scale.last - scale.first > timedelta(days=300):
        return f"{moment:%b %Y}"
    return f"{moment.day} {moment:%b}"


def _moments(scale: Times) -> Iterator[datetime]:
    """The times of the ticks, with the finest step that gives no more than fit."""
    span = scale.last - scale.first
    if span <= _TWO_DAYS:
        hours = next((one for one in _HOUR_STEPS if span / timedelta(hours=one) <= _WIDE), 12)
        return _inside(scale, _hours(scale, hours))
    days = next((one for one in _DAY_STEPS if span / timedelta(days=one) <= _WIDE), None)
    if days:
        return _inside(scale, _days(scale, days))
    months = next((one for one in _MONTH_STEPS if span / timedelta(days=30.4 * one) <= _WIDE), _MONTH_STEPS[-1])
    return _inside(scale, _months(scale, months))


def _inside(scale: Times, moments: Iterable[datetime]) -> Iterator[datetime]:
    return (moment for moment in moments if scale.first <= moment <= scale.last)


def _hours(scale: Times, step: int) -> Iterator[datetime]:
    for day in _days(scale, 1):
        yield from (day.replace(hour=hour) for hour in range(0, 24, step))


def _days(scale: Times, step: int) -> Iterator[datetime]:
    """Every `step`th local midnight, counted from the year 1, so that ticks do not depend on where the axis begins."""
    day, zone = scale.first.date(), scale.first.tzinfo
    day -= timedelta(days=day.toordinal() % step)
    while day <= scale.last.date():
        yield datetime.combine(day, time(), zone)
        day += timedelta(days=step)


def _months(scale: Times, step: int) -> Iterator[datetime]:
    number = scale.first.year * _MONTHS + scale.first.month - 1
    number -= number % step
    while number <= scale.last.year * _MONTHS + scale.last.month - 1:
        yield datetime(number // _MONTHS, number % _MONTHS + 1, 1, tzinfo=scale.first.tzinfo)
        number += step
