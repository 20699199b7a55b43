"""Reads a comparison of two periods from the published warehouse; see `facts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from polars import selectors

from reports.comparison.facts import Change, Comparison, Driver, Period, Step
from warehouse.database.schema import statement

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    import duckdb

#: How many drivers and steps are read.
FIRST: Final = 3


def compare(
    con: duckdb.DuckDBPyConnection, span: timedelta, now: datetime, earlier_start: datetime | None = None
) -> Comparison:
    """Compare the last `span` with the one before it, or with the one that begins at `earlier_start`.

    The later period ends with the last usable answer, because nothing is known about the time after it.

    Args:
        con: a connection to the published warehouse.
        span: the length of each period.
        now: the current time.
        earlier_start: first instant of the earlier period.

    Raises:
        ValueError: if the periods overlap, or are not within the years 1 to 9999.
    """
    heard = read_heard(con, now)
    end = min(now, heard["last_answer_at"] or now)
    try:
        later = Period(end - span, end)
        start = later.start - span if earlier_start is None else earlier_start
        earlier = Period(start, start + span)
    except OverflowError as error:
        raise ValueError("the periods would begin before the year 1 or end after the year 9999") from error
    if earlier.end > later.start:
        raise ValueError(f"the earlier period would end {earlier.end}, after the later one begins, {later.start}")
    return Comparison(
        earlier,
        later,
        read_changes(con, earlier, later),
        tuple(Driver(**row) for row in _rows(con, "queries/clear_drivers", _ends(later.start, later.end))),
        read_steps(con, earlier.start, later.end, FIRST),
        **heard,
    )


def read_steps(
    con: duckdb.DuckDBPyConnection, start: datetime, end: datetime, first: int, zone: str = "UTC"
) -> tuple[Step, ...]:
    """The clearest steps among the tasks submitted at or after `start` and before `end`, in the order of time."""
    bounds = {"t0": start, "t1": end, "first": first}
    return tuple(Step(**row) for row in _rows(con, "queries/first_steps", bounds, zone))


def read_heard(con: duckdb.DuckDBPyConnection, now: datetime, zone: str = "UTC") -> dict[str, Any]:
    """`last_answer_at` and `stale_sources` of a `Comparison`."""
    return _rows(con, "queries/heard", {"now": now}, zone)[0]


def read_changes(con: duckdb.DuckDBPyConnection, earlier: Period, later: Period) -> tuple[Change, ...]:
    """One change per metric from the earlier to the later period, of all tasks together."""
    return tuple(Change(**row) for row in _rows(con, "queries/changes", _bounds(earlier, later)))


def _bounds(earlier: Period, later: Period) -> dict[str, Any]:
    return {"a0": earlier.start, "a1": earlier.end, "b0": later.start, "b1": later.end}


def _ends(start: datetime, end: datetime) -> dict[str, Any]:
    return {"t0": start, "t1": end, "first": FIRST}


def _rows(
    con: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any], zone: str = "UTC"
) -> list[dict[str, Any]]:
    frame = con.execute(statement(query), values).pl()
    return frame.with_columns(selectors.datetime().dt.convert_time_zone(zone)).to_dicts()
