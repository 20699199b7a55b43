"""Spans of time as people write them: `7 days`, `12h`, `1.5 weeks`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

#: How far back the gateway's list of tasks is read by default.
DEFAULT_SINCE: Final = "7 days"

_SPAN: Final = re.compile(r"\s*(\d{1,12}(?:\.\d{1,12})?)\s*([^\W\d_]*)\s*")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_UNITS: Final = {
    spelling: _SECONDS[unit]
    for unit, spellings in {
        "s": ("s", "sec", "secs", "second", "seconds"),
        "m": ("m", "min", "mins", "minute", "minutes"),
        "h": ("h", "hr", "hrs", "hour", "hours"),
        "d": ("d", "day", "days"),
        "w": ("w", "week", "weeks"),
    }.items()
    for spelling in spellings
}


class SpanError(ValueError):
    """A number with an unknown unit, or a span that is too long."""


def read_span(text: str, default_unit: str | None = None) -> timedelta | None:
    """The span; None if the text is not a number followed by a word: it may still be a date.

    Args:
        text: what the user typed.
        default_unit: the unit of a number without one; without it, such a number is not a span.

    Raises:
        SpanError: when the unit is unknown, or the span too long.
    """
    found = _SPAN.fullmatch(text)
    unit = (found[2].lower() or default_unit) if found else None
    if found is None or unit is None:
        return None
    if unit not in _UNITS:
        raise SpanError(f"{text.strip()!r} has an unknown unit: s, m, h, d and w are known, as are minutes, hours, …")
    try:
        return timedelta(seconds=float(found[1]) * _UNITS[unit])
    except OverflowError:
        raise SpanError(f"{text.strip()!r} is longer than any span") from None
