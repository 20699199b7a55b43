"""A report: everything that the page shows, read from a published warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from reports import headline
from reports.cohort import choose
from reports.cohort.used import used_by_report
from reports.figures import drivers, failures, kinds, latency, load, trust
from reports.figures.context import Context
from reports.first_screen import FirstScreen, compare_cohort
from reports.needs import needs

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb
    import polars as pl

    from reports.cohort import Cohort
    from reports.elements import Figure, Tile

_FIRST_DRIVERS = 3


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the page shows.

    Attributes:
        tiles: the headline numbers.
        in_short: the report in a few sentences.
        screen: the first screen of the page.
        figures: in the order of the page.
        about: which tasks it is about, as text.
        facts: the row of the view `headline`.
        generated_at: when it was created, in the page's time zone.
        where: the option that names the data folder in commands.
    """

    tiles: list[Tile]
    in_short: list[str]
    screen: FirstScreen
    figures: list[Figure]
    about: str
    facts: dict[str, Any]
    generated_at: datetime
    where: str = ""


def read_report(
    con: duckdb.DuckDBPyConnection,
    cohort: Cohort,
    now: datetime,
    link: str | None = None,
    *,
    where: str = "",
    is_whole: bool = False,
) -> Report:
    """The report about the tasks of `cohort`, in its time zone.

    Args:
        con: a new connection of `open_beside_published`; the cohort's views are created on it.
        cohort: which tasks.
        now: the current time.
        link: the page's own address with its filters, to which further filters are added; None for a file.
        where: the option that names the data folder in the commands that the page suggests: see `words.where`.
        is_whole: whether `con` gets all views of the cohort, for the caller's own queries.

    Raises:
        UnknownFilterError, OutdatedError: as `cohort.open_cohort`.
    """
    choose(con, cohort, now, keeps=True, wanted=None if is_whole else used_by_report())
    now = now.astimezone(ZoneInfo(cohort.timezone))
    facts, classes = headline.read_facts(con)
    comparison = compare_cohort(con, cohort, facts, now)
    context = Context(con, cohort, facts, classes, comparison.steps, now, link, where)
    found = drivers.read(context)
    return Report(
        headline.tiles(facts),
        headline.in_short(facts, classes),
        FirstScreen(
            comparison,
            drivers.first(found, _FIRST_DRIVERS),
            needs(con, facts, comparison.stale_sources, now, where),
        ),
        _figures(context, found),
        context.about,
        facts,
        now,
        where,
    )


def _figures(context: Context, found: pl.DataFrame) -> list[Figure]:
    """All figures of the page, in their order."""
    return [
        latency.latency(context),
        failures.failure(context),
        drivers.drivers(context, found),
        failures.reasons(context),
        kinds.kinds(context),
        latency.outcome(context),
        latency.waiting(context),
        load.load(context),
        load.by_hour_of_week(context),
        kinds.stuck(context),
        kinds.objectives(context),
        trust.quality(context),
        trust.clocks(context),
        trust.answers(context),
        trust.speed(context),
    ]
