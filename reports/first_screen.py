"""The first screen of the page: better or worse than before, since when, what differs, and what needs a person now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reports.cohort import using
from reports.comparison.facts import Comparison, Driver, Period, Step
from reports.comparison.read import read_changes, read_heard, read_steps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import duckdb

    from reports.cohort import Cohort
    from reports.headline import Facts
    from reports.needs import Need

#: If no range is chosen, the compared periods are as long as the first of `_SPANS` for which tasks cover both of them.
#: At most this share of the earlier period may lie before the first task.
_MISSING: Final = 0.1
_SPANS: Final = (timedelta(days=7), timedelta(days=1), timedelta(hours=1))
#: How far back steps are searched, as in the view change_points.
_STEPS_SINCE: Final = timedelta(days=28)
_MOST_STEPS: Final = 8


@dataclass(frozen=True, slots=True)
class FirstScreen:
    """The first screen of the page.

    Attributes:
        comparison: the last period compared with the one before; its steps are those of the last 28 days.
        drivers: the clearest values whose tasks fail more often or take longer.
        needs: what needs a person now.
    """

    comparison: Comparison
    drivers: list[Driver]
    needs: list[Need]


def compare_cohort(con: duckdb.DuckDBPyConnection, cohort: Cohort, facts: Facts, now: datetime) -> Comparison:
    """The chosen range of time compared with an equally long one before it; by default the last week, day or hour.

    It covers the tasks of the chosen sources, actions and templates, with the definitions that `compare` uses.
    """
    with using(con, "always"):
        heard = read_heard(con, now, cohort.timezone)
        earlier, later = periods(cohort, facts, min(now, heard["last_answer_at"] or now))
        since = cohort.since or (facts["last_submit_time"] or later.end) - _STEPS_SINCE
        steps = read_steps(con, since, cohort.until or now + timedelta(days=1), _MOST_STEPS, cohort.timezone)
        return Comparison(earlier, later, read_changes(con, earlier, later), (), steps, **heard)


def periods(cohort: Cohort, facts: Facts, end: datetime) -> tuple[Period, Period]:
    """The earlier and the later period; the later one ends at `end`, or with the chosen range if that ends before."""
    end = min(end, cohort.until or end)
    if cohort.since and cohort.since < end:
        span = end - cohort.since
    else:
        first = facts["first_submit_time"]
        span = next((one for one in _SPANS if first and first <= end - (2 - _MISSING) * one), _SPANS[0])
    return Period(end - 2 * span, end - span), Period(end - span, end)


def lettered(steps: tuple[Step, ...]) -> Iterator[tuple[str, Step]]:
    """Each step with its letter in the charts."""
    return zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", steps, strict=False)
