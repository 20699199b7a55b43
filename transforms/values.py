"""Polars expressions that convert single values of the gateway: times, progress, statuses, text.

They do not depend on a frame, and turn unreadable values into null.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from urllib.parse import unquote_to_bytes

import polars as pl

from transforms.schema import TIME

#: The percent-encoded ASCII characters: decoded for all rows in one call, other characters row by row.
_PERCENT_ENCODED: Final = {f"%{code:02X}": chr(code) for code in range(0x80)}

TERMINAL: Final = ("SUCCESS", "FAILURE")

#: The gateway's status for each status word, in lower case, of gateways and providers. Any other word is UNKNOWN, which
#: is not terminal.
STATUSES: Final = {
    **{word.lower(): word for word in ("NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS", "FAILURE", "SUCCESS")},
    **dict.fromkeys(("succeeded", "succeed", "completed", "done"), "SUCCESS"),
    **dict.fromkeys(("failed", "fail", "error", "cancelled", "canceled", "expired"), "FAILURE"),
    **dict.fromkeys(("processing", "running", "generating"), "IN_PROGRESS"),
    **dict.fromkeys(("pending", "queueing", "in_queue", "created", "waiting", "preparing"), "QUEUED"),
}

#: `web_work_status` of a successful and of a running work; below 0 the work has failed; other values are undocumented.
WORK_SUCCEEDED: Final = 200
WORK_RUNNING: Final = 0

#: 2020-01-01, in Unix seconds: no task is older, so an earlier time is an error.
EARLIEST_SECONDS: Final = 1_577_836_800

#: (from, below, microseconds per unit): the magnitude of a number shows its unit; 10^11 seconds is the year 5138.
_UNITS: Final = tuple(
    (EARLIEST_SECONDS * per_second, min(100e9 * per_second, 1e19), 1e6 / per_second)
    for per_second in (1, 1e3, 1e6, 1e9)
)

#: A date, a time and a zone, as ISO 8601 and Go write them: 2026-09-21T14:13:20.000Z, 2026-09-21 14:13:20 +0800 CST.
_ZONED_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?) ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)(?: [A-Z]{2,5})?",
    re.IGNORECASE,
)


def text(column: str) -> pl.Expr:
    """The text, or null if it is blank: a missing value is null, never ''."""
    return pl.when(pl.col(column).str.strip_chars() != "").then(pl.col(column))


def status(raw: pl.Expr) -> pl.Expr:
    """The canonical status of a status word; UNKNOWN for an unknown or missing word."""
    return raw.str.strip_chars().str.to_lowercase().replace_strict(STATUSES, default="UNKNOWN").fill_null("UNKNOWN")


def time(column: str) -> pl.Expr:
    """A Unix time (DOUBLE, in s, ms, µs or ns according to its magnitude) as UTC; null for 0 and implausible values."""
    value = pl.col(column)
    micros = pl.coalesce(
        pl.when(value.is_between(low, high, closed="left")).then((value * factor).round())
        for low, high, factor in _UNITS
    )
    return micros.cast(pl.Int64).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(TIME)


def is_corrected(column: str, *, expected: float) -> pl.Expr:
    """Whether a time has a different unit than the documented one (`expected`: microseconds per unit)."""
    value = pl.col(column)
    other = [value.is_between(low, high, closed="left") for low, high, factor in _UNITS if factor != expected]
    return pl.any_horizontal(other).fill_null(value=False)


def is_implausible(column: str) -> pl.Expr:
    """Whether a time field has a number other than 0 that is not a plausible time in any unit."""
    value = pl.col(column)
    return (value.is_not_null() & (value != 0) & time(column).is_null()).fill_null(value=False)


def seconds_between(start: str, end: str) -> pl.Expr:
    """`end - start` in seconds; null unless both are known and in order."""
    micros = (pl.col(end) - pl.col(start)).dt.total_microseconds()
    span = (micros / 1e6).round(6)  # polars multiplies by 1e-6 instead: 37.016999999999996 for 37.017
    return pl.when(span >= 0).then(span)


def percent(column: str) -> pl.Expr:
    """'42%', '42' or '42.5' as a number from 0 to 100; null for anything else, and if `is_fraction`."""
    number = pl.col(column).str.strip_chars().str.strip_suffix("%").str.strip_chars().cast(pl.Float64, strict=False)
    return pl.when(number.is_between(0, 100) & ~is_fraction(column)).then(number)


def is_fraction(column: str) -> pl.Expr:
    """Whether a progress may be a fraction of 1 rather than a percentage, e.g. 0.42 or 1.0; not if it has a % sign."""
    return pl.col(column).str.contains(r"^\s*(?:0*\.\d*[1-9]\d*|1\.0*|[\d.]+[eE]-\d+)\s*$")


def unix_seconds(written: str) -> float | None:
    """The Unix seconds of a date and time with a zone; None for anything else.

    Without a zone the time is ambiguous, because the gateway's own zone is not known. 0 for the values that Go and
    databases write for a missing time: the beginning of the year 1, or of 1970.
    """
    if not (found := _ZONED_TIME.fullmatch(written.strip())):
        return None
    day, clock, zone = found.groups()
    offset = "+00:00" if zone.upper() in {"Z", "UTC", "GMT"} else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{clock.replace(',', '.')}{offset}")
    except ValueError:
        return None
    return 0.0 if moment.year == 1 else moment.timestamp()


def integer(column: str) -> pl.Expr:
    """The integer in a text ('42', '42.0'); null if there is none or it does not fit into 64 bits."""
    value = pl.col(column).cast(pl.Float64, strict=False)
    whole = pl.when((value == value.round()) & (value.abs() < 2**63)).then(value).cast(pl.Int64)
    return pl.coalesce(pl.col(column).cast(pl.Int64, strict=False), whole)


def finite(column: str) -> pl.Expr:
    """The number, or null if it is NaN or infinite."""
    return pl.when(pl.col(column).is_finite()).then(pl.col(column))


def object_id_time(column: str) -> pl.Expr:
    """The creation time in an ObjectId's first 8 hex digits, as Unix seconds; null if it is not an ObjectId."""
    digits = pl.when(pl.col(column).str.contains(r"^[0-9a-fA-F]{24}$")).then(pl.col(column).str.slice(0, 8))
    return digits.str.to_integer(base=16, dtype=pl.Int64, strict=False)


def without_query(column: str) -> pl.Expr:
    """A path or an address up to its `?`."""
    return pl.col(column).str.splitn("?", 2).struct.field("field_0")


def percent_decoded(column: str) -> pl.Expr:
    """The text with %XX sequences decoded (RFC 3986, UTF-8); anything else is unchanged."""
    encoded = pl.col(column)
    is_ascii = ~encoded.str.contains(r"%[89A-Fa-f][0-9A-Fa-f]")
    one_by_one = pl.when(~is_ascii).then(encoded).map_elements(_unquoted, return_dtype=pl.String, skip_nulls=True)
    at_once = encoded.str.replace_many(_PERCENT_ENCODED, ascii_case_insensitive=True)
    return pl.when(is_ascii).then(at_once).otherwise(one_by_one)


def _unquoted(encoded: str) -> str:
    """The same as `urllib.parse.unquote`, but faster: that function splits a text into ASCII and non-ASCII parts."""
    return unquote_to_bytes(encoded).decode(errors="replace")
