"""Formats numbers for people: three significant digits, a unit, thousands separators; "not known" for None."""

from __future__ import annotations

import shlex
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from reports.cohort import Cohort

UNKNOWN: Final = "not known"

#: A no-break space, between a number and its unit.
_NB: Final = "\u00a0"

#: From these numbers of seconds on, a duration is shown in minutes, hours and days.
_MINUTES_FROM: Final = 120
_HOURS_FROM: Final = 7200
_DAYS_FROM: Final = 172_800
_TENTHS_BELOW: Final = 10
#: Percentages this close to a whole number are shown as one; those below 0.1 get two decimals.
_WHOLE: Final = 1e-9
_SMALL: Final = 0.1


#: Whose fault failures are, by `fail_class`, as text after a share: "51% the provider's doing".
WHOSE: Final = {
    "provider": "the provider's doing",
    "gateway": "the gateway's",
    "gateway_timeout": "the gateway's timeout",
    "content_policy": "refused content",
    "input": "bad input",
    "account": "an account's (quota, balance or key)",
    "rate_limit": "rate limits",
    "network": "the network's",
    "cancelled": "cancelled",
    "unknown": "of unknown cause",
}

#: Names of dimensions whose name is not that of their column.
_DIMENSIONS: Final = {
    "template_id": "template",
    "file_type": "file type",
    "video_aspect_ratio": "aspect ratio",
    "primary_play_type": "play type",
    "pt_count": "number of parts (pt_infos)",
    "input_kind": "input",
    "voice_engine_id": "voice engine",
    "lan": "language",
    "text_length": "length of text",
    "hour": "hour of the day (UTC)",
    "weekday": "weekday (UTC)",
    "gateway_version": "gateway version",
}

_NAMED: Final = {604_800: "week", 2_592_000: "month"}


def count(number: int) -> str:
    """1,234."""
    return f"{number:,}"


def tasks(number: int) -> str:
    """1 task, 1,234 tasks."""
    return plural(number, "task")


def plural(number: int, noun: str) -> str:
    """1 answer, 1,234 answers."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def percent(share: float | None) -> str:
    """A share in percent: 6.9%, 0.04%; 100% only if it is exactly all."""
    if share is None:
        return UNKNOWN
    hundredths = 100 * share
    if abs(hundredths - round(hundredths)) < _WHOLE:
        return f"{hundredths:.0f}%"
    return f"{hundredths:.2f}%" if hundredths < _SMALL else f"{hundredths:.1f}%"


def rough(share: float) -> str:
    """A share in whole percent."""
    return f"{100 * share:.0f}%"


def duration(seconds: float | None) -> str:
    """A duration in the units that people use: 7.5 s, 65 s, 2 min 53 s, 2 h 5 min, 3 d 4 h."""
    if seconds is None:
        return UNKNOWN
    if seconds < _TENTHS_BELOW:
        return f"{seconds:.1f}".removesuffix(".0") + f"{_NB}s"
    if seconds < _MINUTES_FROM:
        return f"{seconds:.0f}{_NB}s"
    if seconds < _HOURS_FROM:
        return _two(round(seconds), 60, "min", "s")
    if seconds < _DAYS_FROM:
        return _two(round(seconds / 60), 60, "h", "min")
    return _two(round(seconds / 3600), 24, "d", "h")


def _two(small: int, per_large: int, large_unit: str, small_unit: str) -> str:
    whole, rest = divmod(small, per_large)
    return f"{whole}{_NB}{large_unit}" + (f"{_NB}{rest}{_NB}{small_unit}" if rest else "")


def interval(low: str, high: str) -> str:
    """`low` to `high`, both formatted; either may be `UNKNOWN`."""
    if low != UNKNOWN and high == UNKNOWN:
        return f"at least {low}"
    return f"{low if low != UNKNOWN else '?'} to {high if high != UNKNOWN else '?'}"


def minute(moment: datetime | None) -> str:
    """18 Nov 2026 00:33, in the moment's own time zone."""
    return UNKNOWN if moment is None else f"{moment.day} {moment:%b %Y %H:%M}"


def moment(when: datetime | None) -> str:
    """18 Nov 2026 00:33 UTC, with the moment's own time zone."""
    return UNKNOWN if when is None else f"{minute(when)} {zone(when)}"


def zone(when: datetime) -> str:
    """A moment's time zone as its offset from UTC, which is not ambiguous as names are: UTC, UTC+8, UTC−3:30."""
    minutes = round((when.utcoffset() or timedelta()).total_seconds() / 60)
    sign = "+" if minutes > 0 else "−"
    hours, rest = divmod(abs(minutes), 60)
    return "UTC" if minutes == 0 else f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")


def bucket(seconds: int) -> str:
    """The length of a time bucket: hour, 6 hours, day, week."""
    if seconds in _NAMED:
        return _NAMED[seconds]
    number, unit = (seconds // 86_400, "day") if seconds % 86_400 == 0 else (seconds // 3600, "hour")
    return unit if number == 1 else f"{number} {unit}s"


def cohort(chosen: Cohort) -> str:
    """Which tasks a figure is about, as text."""
    parts = [
        _some(chosen.sources, "sources"),
        _some(chosen.actions, "actions"),
        _some(chosen.templates, "templates"),
        *(f"{dimension(name)} {value if value is not None else 'none'}" for name, value in chosen.values),
        _range(chosen),
    ]
    return ", ".join(part for part in parts if part) or "all tasks"


def _some(values: tuple[str, ...], noun: str) -> str:
    return "" if not values else f"{noun.removesuffix('s') if len(values) == 1 else noun} {', '.join(values)}"


def _range(chosen: Cohort) -> str:
    if chosen.since and chosen.until:
        return f"submitted {minute(chosen.since)} to {moment(chosen.until)}"
    if chosen.since:
        return f"submitted from {moment(chosen.since)}"
    return f"submitted before {moment(chosen.until)}" if chosen.until else ""


def dimension(name: str) -> str:
    """The name of a column of task_dimensions, as shown to people."""
    return _DIMENSIONS.get(name, name)


def command(text: str, where: str) -> str:
    """A command with the option `where` inserted after the subcommand."""
    program, subcommand, rest = f"{text} ".split(" ", 2)
    return f"{program} {subcommand}{where} {rest}".rstrip()


def where(root: Path) -> str:
    """The option ` --data-dir …` with the absolute path of `root`; '' for ./data, the default."""
    return "" if root.absolute() == Path("data").absolute() else f" --data-dir {shlex.quote(str(root.absolute()))}"
