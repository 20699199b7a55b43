"""A figure: what it shows, in words, as a picture and as a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from reports import words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import altair as alt
    import polars as pl

    from reports.look import Look

__all__ = ["Figure", "Tile"]


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline number.

    Attributes:
        key: its name in the page and in `--json`.
        label: what it is.
        value: the number itself, for programs; None where it is not known.
        shown: the number for people.
        range_shown: its 95% interval for people; '' where it has none.
        notes: what else to know, a line each.
        tone: `bad` where somebody should look into it.
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
        title: a question that it answers.
        says: the answer, in a sentence or two.
        unit: of its axes.
        cohort: which tasks it is about, in words.
        tasks: how many things are behind it.
        data: what is drawn, a row each, as the view has it.
        columns: heads of the table by column of `data`, in order; those not named are left out of the table.
        draw: makes the picture in a given look; None where the table is the figure, or where there is nothing to draw.
        counted: what `tasks` counts.
        note: how to read it, in small print.
        is_wide: whether it takes the page's whole width.
    """

    key: str
    title: str
    says: str
    unit: str
    cohort: str
    tasks: int
    data: pl.DataFrame
    columns: Mapping[str, str] = field(default_factory=dict)
    draw: Callable[[Look], alt.TopLevelMixin] | None = None
    counted: str = "task"
    note: str = ""
    is_wide: bool = True

    @property
    def about(self) -> str:
        """Unit, cohort and number, in one line."""
        line = f"{self.unit} · {self.cohort} · {words.plural(self.tasks, self.counted)}"
        return line[0].upper() + line[1:]
