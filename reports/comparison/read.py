"""Two periods of the published warehouse compared: see `facts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from polars import selectors

from reports.comparison.facts import Change, Comparison, Driver, Period, Step
from warehouse.database.schema import statement

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    import duckdb

#: How many drivers and steps are named.
FIRST: Final = 3


def compare(
    con: duckdb.DuckDBPyConnection, span: timedelta, now: datetime, earlier_start: datetime | None = None
) -> Comparison:
    """The last `span` beside the one before it, or beside the one that begins at `earlier_start`.

    The later period ends with the last usable answer: of what came after nothing is known.

    Args:
        con: a connection to what is published.
        span: how long each period is.
        now: the time.
        earlier_start: first instant of the earlier period.

    Raises:
        ValueError: when the periods overlap, or begin before the year 1.
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
    """The clearest steps among the tasks submitted from `start` on and before `end`, in the order of time."""
    bounds = {"t0": start, "t1": end, "first": first}
    return tuple(Step(**row) for row in _rows(con, "queries/first_steps", bounds, zone))


def read_heard(con: duckdb.DuckDBPyConnection, now: datetime, zone: str = "UTC") -> dict[str, Any]:
    """When the last usable answer came, and which sources are late: fields of a `Comparison`."""
    return _rows(con, "queries/heard", {"now": now}, zone)[0]


def read_changes(con: duckdb.DuckDBPyConnection, earlier: Period, later: Period) -> tuple[Change, ...]:
    """What changed from one period to the other, of all tasks together: one for each metric."""
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
