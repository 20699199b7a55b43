"""Conditions of `status --fail-if`: `stale>15m`, `waiting>0`, `disk<5%`; the name of a count alone means `>0`."""

from __future__ import annotations

import difflib
import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import UnusableInputError
from pipeline.spans import SpanError, read_span
from pipeline.watch.measures import MEASURES, Measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.watch.measures import Readings

_CONDITION: Final = re.compile(r"\s*(?P<name>[A-Za-z_-]+)\s*(?:(?P<sign>[<>]=?)\s*(?P<limit>\S.*?))?\s*")
_SIGNS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_ROOM: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>%|[kMGT]?B)")
_BYTES: Final = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition.

    Attributes:
        text: as it was typed.
        name: the name of the measure.
        sign: <, <=, > or >=.
        limit: seconds, a count, bytes, or a share of the disk from 0 to 1.
        is_share: whether `limit` is such a share.
    """

    text: str
    name: str
    sign: str
    limit: float
    is_share: bool = False

    @property
    def measure(self) -> Measure:
        return MEASURES[self.name]

    def judge(self, readings: Readings) -> Alarm | None:
        """The alarm if the condition holds or cannot be checked; otherwise None."""
        value = self._value(readings)
        if value is not None and not _SIGNS[self.sign](value, self.limit):
            return None
        problem = readings.problem or "it was never measured"
        words = f"it cannot be checked: {problem}" if value is None else f"{self.measure.meaning}: {self._shown(value)}"
        advice = None if value is None and readings.problem else self.measure.advice
        return Alarm(self.text, self.name, value, self.measure.severity, words, advice)

    def _value(self, readings: Readings) -> float | None:
        if self.measure.kind != "room":
            return readings.values.get(self.name)
        room = readings.room
        if room is None or not room.size:
            return None
        return room.free / room.size if self.is_share else float(room.free)

    def _shown(self, value: float) -> str:
        if self.measure.kind == "span":
            return shown_span(value)
        if self.measure.kind == "room":
            return f"{100 * value:.1f}%" if self.is_share else f"{value / 10**9:,.1f} GB"
        return f"{value:,.0f}"


@dataclass(frozen=True, slots=True)
class Alarm:
    """A condition that holds.

    Attributes:
        condition: as it was typed.
        measure: the name of the measure.
        value: what was measured, in seconds, counts, bytes or shares; None if it cannot be read.
        severity: critical or warning.
        words: what is wrong.
        advice: what to do; None if `words` already say it.
    """

    condition: str
    measure: str
    value: float | None
    severity: str
    words: str
    advice: str | None

    @property
    def line(self) -> str:
        """For people."""
        return f"{self.severity}: {self.condition}: {self.words}{f'. {self.advice}' if self.advice else ''}"


def read_conditions(texts: Iterable[str]) -> list[Condition]:
    """Parse conditions as people type them; each text may contain several, separated by commas.

    Raises:
        UnusableInputError: when one is not understood; the message lists the possible ones.
    """
    return [_condition(part) for text in texts for part in text.split(",")]


def _condition(text: str) -> Condition:
    found = _CONDITION.fullmatch(text)
    name = found["name"].lower().replace("-", "_") if found else ""
    if found is None or name not in MEASURES:
        raise _not_understood(text, _hint(name or text.strip()))
    if not found["sign"]:
        if MEASURES[name].kind != "count":
            raise _not_understood(text, "it needs a limit")
        return Condition(text.strip(), name, ">", 0)
    limit, is_share = _limit(text, MEASURES[name], found["limit"])
    return Condition(text.strip(), name, found["sign"], limit, is_share)


def _hint(name: str) -> str:
    if re.split(r"\W", name)[0] in MEASURES:
        return "a measure is compared with <, <=, > or >="
    close = difflib.get_close_matches(name, MEASURES, n=1)
    return f"did you mean {close[0]}" if close else "there is no such measure"


def _limit(text: str, measure: Measure, written: str) -> tuple[float, bool]:
    if measure.kind == "span":
        try:
            span = read_span(written)
        except SpanError as error:
            raise _not_understood(text, str(error)) from None
        if span is None:
            raise _not_understood(text, "it needs a number with a unit, e.g. 15m")
        return span.total_seconds(), False
    if measure.kind == "room":
        room = _ROOM.fullmatch(written)
        if room is None:
            raise _not_understood(text, "it needs a share or a size, e.g. 5% or 10GB")
        number = float(room["number"])
        return (number / 100, True) if room["unit"] == "%" else (number * _BYTES[room["unit"]], False)
    if not re.fullmatch(r"\d{1,15}", written):
        raise _not_understood(text, "it needs a whole number")
    return float(written), False


def _not_understood(text: str, why: str) -> UnusableInputError:
    examples = {"span": "{}>15m", "count": "{}>0", "room": "{}<5%"}
    known = ", ".join(examples[one.kind].format(name) for name, one in MEASURES.items())
    return UnusableInputError(f"--fail-if {text.strip()!r} cannot be used: {why}. Conditions are {known}")


def judge(conditions: Iterable[Condition], readings: Readings) -> list[Alarm]:
    """The alarms of all conditions that hold or cannot be checked, critical ones first."""
    alarms = [alarm for one in conditions if (alarm := one.judge(readings))]
    return sorted(alarms, key=lambda alarm: alarm.severity)


def shown_span(seconds: float) -> str:
    """A span in the largest unit that leaves at least two digits: 95 s, 42 min, 5.3 h, 12 days."""
    for size, unit in ((172_800, "days"), (7200, "h"), (120, "min")):
        if seconds >= size:
            return f"{seconds / {'days': 86_400, 'h': 3600, 'min': 60}[unit]:.3g} {unit}"
    return f"{seconds:.0f} s"


def as_json(alarms: Iterable[Alarm]) -> list[dict[str, Any]]:
    """The key `alarms` of `status --json`."""
    fields = ("condition", "measure", "value", "severity", "words", "advice")
    return [{name: getattr(one, name) for name in fields} for one in alarms]
