"""Tasks that show what a figure is about: three for each failure kind, slow cell and driver."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reports import words
from reports.cohort.values import OF_PAYLOAD
from reports.comparison.sentences import driver_sentence
from reports.formats import as_link
from reports.templating import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup

    from reports.comparison.facts import Driver
    from reports.figures.context import Context

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Example:
    """One task.

    Attributes:
        source, task_id: its key.
        about: when it was submitted and how long it took.
        reason: why it failed; None for a success.
        request_id: the gateway's id of the poll that first showed the task's end, if known; not that of the submission.
        link: the address of its result, if that is an http or https address.
        result: the result as sent, if it is not such an address.
    """

    source: str
    task_id: str
    about: str
    reason: str | None
    request_id: str | None
    link: str | None
    result: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Examples under one title."""

    title: str
    examples: list[Example]


def of_reasons(context: Context) -> Markup:
    """The newest three tasks of each kind of failure."""
    rows = _rows(context, "reasons")
    return _folded(
        "Examples of each reason", rows, lambda row: f"{row['reason'] or 'no reason'} ({row['tasks']:,} tasks)"
    )


def of_slow_cells(context: Context) -> Markup:
    """The slowest three tasks of each of the largest cells of the heat map above the 95% line."""
    return _folded("Examples of the slow ones", _rows(context, "slow_cells"), lambda row: _cell(context, row))


def _cell(context: Context, row: dict[str, Any]) -> str:
    low, high = (words.duration(10 ** ((row["bin"] + one) / 8)) for one in (0, 1))
    return f"{context.when(row['bucket_start'])}, {low} to {high} ({words.tasks(row['tasks'])})"


def of_drivers(context: Context, drivers: Sequence[Driver], bounds: dict[str, Any]) -> Markup:
    """For each driver, the newest three tasks that failed, or the slowest three if it does not fail more often."""
    wanted = [
        {
            "number": number,
            "dimension": one.dimension,
            "value": one.value,
            "fails": (one.failure_effect or 0) > 0,
            "is_of_payload": one.dimension in OF_PAYLOAD,
        }
        for number, one in enumerate(drivers)
    ]
    if not wanted:
        return _folded("", [], str)
    context.con.execute(f"create or replace temp table candidates as {_text('candidates')}", bounds)
    rows = _rows(context, "drivers", {"wanted": wanted, "t0": bounds["t0"]})
    return _folded("Examples of what differs", rows, lambda row: driver_sentence(drivers[row["number"]]))


def _rows(context: Context, query: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    context.con.execute(f"create or replace temp table picked as {_text(query)}", parameters)
    return context.rows(_text("details")).to_dicts()


def _text(query: str) -> str:
    return (_FOLDER / f"{query}.sql").read_text(encoding="utf-8")


def _folded(summary: str, rows: Iterable[dict[str, Any]], title: Any) -> Markup:  # noqa: ANN401 - a function of a row
    groups: dict[str, list[Example]] = {}
    for row in rows:
        groups.setdefault(title(row), []).append(_example(row))
    return render("examples.html.jinja", summary=summary, groups=[Group(*one) for one in groups.items()])


def _example(row: dict[str, Any]) -> Example:
    link = as_link(row["result_url"])
    took = f", took {words.duration(row['latency_seconds'])}" if row["latency_seconds"] is not None else ""
    return Example(
        row["source"],
        row["task_id"],
        f"submitted {words.moment(row['submit_time'])}{took}",
        row["fail_reason"],
        row["request_id"],
        link,
        None if link else row["result_url"],
    )
