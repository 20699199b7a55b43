"""Spans of time as people write them: `7 days`, `12h`, `1.5 weeks`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

#: How far back the gateway's list of tasks is walked if nothing else is said.
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
    """A number with a unit that is none, or too large a span."""


def read_span(text: str, default_unit: str | None = None) -> timedelta | None:
    """The span, or None when the text is no number with a word after it: it may still be a date.

    Args:
        text: what somebody typed.
        default_unit: what a number alone counts; a number alone is no span if not given.

    Raises:
        SpanError: with the units there are.
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
