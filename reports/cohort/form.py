"""The top of the page when it is served: a form for its filters, and a placeholder for a notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from markupsafe import Markup

from reports.cohort import choices
from reports.templating import render
from reports.words import tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb
    import polars as pl

#: Placeholder that `serve` replaces by a notice: a page is kept for some time, a notice is current.
NOTICE: Final = Markup("<!-- notice -->")

#: How many values of a filter the form offers: the most common ones. Chosen values are offered in addition.
_OFFERED: Final = 100

_PERIODS: Final = {"24 hours": "the last 24 hours", "7 days": "the last 7 days", "28 days": "the last 28 days"}


class Chosen(Protocol):
    """The filters that are set."""

    @property
    def sources(self) -> Sequence[str]: ...
    @property
    def actions(self) -> Sequence[str]: ...
    @property
    def templates(self) -> Sequence[str]: ...
    @property
    def since(self) -> str | None: ...
    @property
    def until(self) -> str | None: ...
    @property
    def timezone(self) -> str: ...
    @property
    def values(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class _Option:
    value: str
    label: str


def filter_form(con: duckdb.DuckDBPyConnection, chosen: Chosen) -> Markup:
    """The form, with the values that tasks have.

    Args:
        con: a connection of `open_beside_published`.
        chosen: the filters that are set.
    """
    found = choices(con)
    periods = dict(_PERIODS)
    if chosen.since:
        periods.setdefault(chosen.since, f"since {chosen.since}")
    form = render(
        "filters.html.jinja",
        periods=[_Option(value, label) for value, label in periods.items()],
        sources=_options(found, "source", chosen.sources),
        actions=_options(found, "action", chosen.actions),
        templates=_options(found, "template", chosen.templates),
        chosen=chosen,
        since=chosen.since,
        is_filtered=any((chosen.sources, chosen.actions, chosen.templates, chosen.since, chosen.until, chosen.values)),
    )
    return NOTICE + form


def _options(found: pl.DataFrame, name: str, chosen: Iterable[str]) -> list[_Option]:
    rows = found.filter(found["filter_name"] == name).to_dicts()
    wanted = set(chosen)
    return [
        _Option(row["value"], f"{row['label']}: {tasks(row['tasks'])}")
        for place, row in enumerate(rows)
        if place < _OFFERED or row["value"] in wanted
    ]
