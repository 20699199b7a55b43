"""A figure: a title and a sentence, charts, and a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from reports import words
from reports.charts.markup import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from markupsafe import Markup

    from reports.charts.plot import Chart

__all__ = ["Figure", "Tile"]


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline number.

    Attributes:
        key: its name in the page and in `--json`.
        label: what the number is.
        value: the number itself, for programs; None if it is not known.
        shown: the formatted number.
        range_shown: its formatted 95% interval; '' if it has none.
        notes: further lines of text.
        tone: `bad` if it needs attention.
    """

    key: str
    label: str
    value: float | None
    shown: str
    range_shown: str = ""
    notes: tuple[str, ...] = ()
    tone: Literal["plain", "bad"] = "plain"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the report.

    Attributes:
        key: its name in the page and of its PNG file.
        title: the question that it answers.
        says: the answer, in one or two sentences.
        unit: the unit of its axes.
        cohort: which tasks it is about, as text.
        tasks: the number of tasks (or of `counted`) in it.
        data: the rows of its view.
        columns: headings of the table by column of `data`, in order; other columns are not in the table.
        charts: its charts, in order; empty if the figure is only a table, or if there is nothing to draw.
        body: markup to show instead of charts and table.
        examples: markup of tasks that show what the figure is about.
        counted: what `tasks` counts.
        note: how to read it, in small print.
        is_wide: whether it takes the whole width of the page.
        in_sight: how many rows of its table are not folded, if it has no chart.
    """

    key: str
    title: str
    says: str
    unit: str
    cohort: str
    tasks: int
    data: pl.DataFrame
    columns: Mapping[str, str] = field(default_factory=dict)
    charts: tuple[Chart, ...] = ()
    body: Markup = NOTHING
    examples: Markup = NOTHING
    counted: str = "task"
    note: str = ""
    is_wide: bool = True
    in_sight: int = 80

    @property
    def about(self) -> str:
        """Unit, cohort and number, in one line."""
        line = f"{self.unit} · {self.cohort} · {words.plural(self.tasks, self.counted)}"
        return line[0].upper() + line[1:]
