"""The headline numbers of a warehouse, and two periods compared, for terminals and artifacts."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from pipeline.errors import UnusableInputError
from pipeline.report_files import moment
from pipeline.spans import SpanError, read_span
from reports.cohort import Cohort, choose
from reports.comparison.formats import as_markdown
from reports.comparison.read import compare
from reports.comparison.sentences import sentences
from reports.errors import ReportError
from reports.headline import READ, lines, read_facts
from warehouse.backends.choose import reader, warehouse_of
from warehouse.errors import WarehouseOutdatedError

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from reports.comparison.facts import Comparison
    from warehouse.paths import DataPaths

#: What `compare` and the artifacts compare unless another period is given.
PERIOD: Final = "7 days"


def headline(paths: DataPaths, now: datetime) -> list[tuple[str, str]]:
    """Names and values of all tasks as of `now`, for people, in the same words as in the report.

    Raises:
        NothingPublishedError: when nothing has been published yet.
        UnusableInputError: when the warehouse was made by another version.
    """
    warehouse = warehouse_of(paths)
    with contextlib.closing(warehouse.connect_beside()) as con:
        try:
            choose(con, Cohort(), now, wanted=READ)
        except ReportError as error:
            msg = f"{warehouse.published or warehouse.place} {error}"
            raise UnusableInputError(msg) from error
        return lines(*read_facts(con))


def comparison(paths: DataPaths, now: datetime, period: str = PERIOD, against: str = "previous") -> Comparison:
    """Compare the last `period` with the one before it, or with an equally long one that starts at another time.

    Args:
        paths: the data directory.
        now: the time.
        period: a span like `7 days` or `12h`.
        against: `previous`, or the first instant of the earlier period: a date, a time or a span before now.

    Raises:
        NothingPublishedError: when nothing has been published yet.
        UnusableInputError: when a period cannot be used, or the published copy was made by another version.
    """
    span = _span(period)
    start = None if against == "previous" else moment(against, "--against", now)
    try:
        with reader(paths) as con:
            return compare(con, span, now, start)
    except ValueError as error:
        msg = f"--period {period} with --against {against} cannot be compared: {error}"
        raise UnusableInputError(msg) from error
    except WarehouseOutdatedError as error:
        raise UnusableInputError(str(error)) from error


def comparison_in_markdown(paths: DataPaths, now: datetime) -> str:
    """What `compare --format markdown` prints.

    Raises:
        NothingPublishedError, UnusableInputError: as `comparison`.
    """
    return as_markdown(comparison(paths, now))


def comparison_in_sentences(paths: DataPaths, now: datetime, period: str) -> list[str]:
    """The verdict, what changed, since when, and what differs: the sentences of `compare`, without its table.

    Raises:
        NothingPublishedError, UnusableInputError: as `comparison`.
    """
    return sentences(comparison(paths, now, period))


def _span(period: str) -> timedelta:
    try:
        span = read_span(period)
    except SpanError as error:
        raise UnusableInputError(f"--period {error}") from None
    if not span:
        raise UnusableInputError(f"--period {period!r} is not a span of time: give one like '7 days' or 12h")
    return span
