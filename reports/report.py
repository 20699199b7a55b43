"""A report, ready to be written as a page or as pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from reports.figure import Figure, Tile


@dataclass(frozen=True, slots=True)
class Report:
    """The results of the notebook's cells.

    Attributes:
        tiles: the headline numbers.
        in_short: the report in a few sentences.
        figures: in order.
        about: which tasks it is about, as text.
        facts: the row of the view `headline`.
        generated_at: UTC.
    """

    tiles: list[Tile]
    in_short: list[str]
    figures: list[Figure]
    about: str
    facts: dict[str, Any]
    generated_at: datetime
