"""What all figures of a page share: the connection, the cohort, and the time axis with its steps and incidents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from reports import sentences, words
from reports.charts.more import About
from reports.charts.plot import Event
from reports.charts.scales import Times
from reports.charts.series import Point
from reports.comparison.sentences import step_sentence
from reports.first_screen import lettered

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import duckdb
    import polars as pl

    from reports.cohort import Cohort
    from reports.comparison.facts import Step
    from reports.headline import Facts

Row = dict[str, Any]

#: If there are more incidents, only the latest are marked.
_MOST_INCIDENTS: Final = 300


@dataclass(frozen=True)
class Context:
    """An open cohort, and what has already been read from it.

    Attributes:
        con: a connection with the views of the cohort; its session has the page's time zone.
        cohort: which tasks.
        facts: the row of the view `headline`.
        classes: whose fault failures are.
        steps: changes of a level, in the order of time.
        now: the current time, in the page's time zone.
        link: the page's own address with its filters, if it is served.
        where: the option that names the data folder in commands.
    """

    con: duckdb.DuckDBPyConnection
    cohort: Cohort
    facts: Facts
    classes: pl.DataFrame
    steps: tuple[Step, ...]
    now: datetime
    link: str | None = None
    where: str = ""

    def rows(self, query: str, parameters: Row | None = None) -> pl.DataFrame:
        """The rows of a query; times are in the page's time zone."""
        return self.con.execute(query, parameters).pl()

    @cached_property
    def about(self) -> str:
        """Which tasks, as text."""
        return words.cohort(self.cohort)

    @property
    def zone(self) -> str:
        """The page's time zone, e.g. UTC+8."""
        return words.zone(self.now)

    @property
    def bucket(self) -> str:
        return words.bucket(self.facts["step_seconds"])

    @cached_property
    def buckets(self) -> list[Row]:
        """Begin, end and is_partial of each bucket of time, including those without tasks."""
        frame = self.rows("""
            select every_bucket.*, coalesce(is_partial, false) as is_partial
            from every_bucket left join partial_buckets using (bucket_start) order by bucket_start""")
        return frame.to_dicts()

    @cached_property
    def times(self) -> Times:
        """The time axis of all figures by time of submission."""
        if not self.buckets:
            return Times(self.now, self.now)
        return Times(self.buckets[0]["bucket_start"], self.buckets[-1]["bucket_end"])

    @cached_property
    def incidents(self) -> pl.DataFrame:
        """Hours in which more failed than chance explains, the latest first."""
        return self.rows("from failing_hours order by bucket_start desc, source, action")

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """Steps with a letter each, and incidents."""
        steps = [
            Event("step", step.changed_at, step.changed_at, letter, f"{letter}: {step_sentence(step)}")
            for letter, step in lettered(self.steps)
        ]
        return (*steps, *map(_incident, self.incidents.head(_MOST_INCIDENTS).iter_rows(named=True)))

    def chart(self, key: str, title: str, says: str) -> About:
        """Name, title, answer, time axis and events of a chart by time of submission."""
        return About(key, title, says, self.times, self.events)

    def points(self, frame: pl.DataFrame, name: str, says: Callable[[Row], str]) -> list[Point]:
        """The column `name` of a frame with a bucket per row, with its interval if there is one."""
        buckets = {row["bucket_start"]: row for row in self.buckets}
        return [
            Point(
                row["bucket_start"],
                buckets[row["bucket_start"]]["bucket_end"],
                row[name],
                row.get(f"{name}_low"),
                row.get(f"{name}_high"),
                buckets[row["bucket_start"]]["is_partial"],
                says(row) + (" Not over yet: will change." if buckets[row["bucket_start"]]["is_partial"] else ""),
            )
            for row in frame.iter_rows(named=True)
        ]

    @staticmethod
    def most(values: pl.Series) -> int:
        """The largest value; 0 if there is none."""
        return max(map(int, values.drop_nulls()), default=0)

    def when(self, moment: datetime) -> str:
        """The beginning of a bucket as text: with the time of day if buckets are shorter than a day."""
        if self.facts["step_seconds"] >= 86_400:  # noqa: PLR2004 - a day
            return f"{moment.day} {moment:%b %Y}"
        return words.minute(moment)


def _incident(row: Row) -> Event:
    says = (
        f"{words.moment(row['bucket_start'])}: {row['failed']:,} of {row['n']:,} of {sentences.kind_name(row)} failed, "
        "more than chance explains"
    )
    return Event("incident", row["bucket_start"], row["bucket_start"] + timedelta(hours=1), "", says)
