"""A comparison as a JSON object, as lines for a terminal, and as Markdown."""

from __future__ import annotations

import re
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Final

from reports import words
from reports.comparison.sentences import (
    LABELS,
    driver_sentence,
    ends,
    level,
    periods,
    sentences,
    signed,
    step_sentence,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.comparison.facts import Change, Comparison

COLUMNS: Final = ("", "before", "now", "difference (95% interval)", "like with like", "")

#: Characters that have a meaning in Markdown.
_MARKS: Final = re.compile(r"([\\`*_\[\]<>#|~])")


def as_dict(found: Comparison) -> dict[str, Any]:
    """The whole comparison, with the verdict and the sentences first; times are in ISO 8601, UTC."""
    facts = {field.name: getattr(found, field.name) for field in fields(found)}
    return {
        "verdict": found.verdict,
        "sentences": sentences(found),
        **{name: _plain(value) for name, value in facts.items()},
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a field has
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(one) for name, one in asdict(value).items()}
    return value.isoformat() if hasattr(value, "isoformat") else value


def as_lines(found: Comparison) -> list[str]:
    """Lines for a terminal: the verdict, a table, what differs and since when."""
    rows = [COLUMNS, *map(cells, found.changes)] if found.changes else []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [
        *sentences(found)[: 1 + _clear(found)],
        periods(found),
        *(["", *table] if table else []),
        *(line for heading, lines in _sections(found) for line in ("", f"{heading}:", *(f"  {one}" for one in lines))),
    ]


def as_markdown(found: Comparison) -> str:
    """Markdown for an issue, a chat or an artifact."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(cells, found.changes)] if found.changes else []
    first, *more = map(_escaped, sentences(found)[: 1 + _clear(found)])
    parts = [f"**{first}**", *more, _escaped(periods(found))]
    if rows:
        parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows))
    for heading, lines in _sections(found):
        parts.append("\n".join([f"{heading}:", "", *(f"- {_escaped(line)}" for line in lines)]))
    return "\n\n".join(parts) + "\n"


def _clear(found: Comparison) -> int:
    """The number of sentences about clear changes."""
    return len(sentences(found)) - 1 - len(found.drivers) - len(found.steps)


def _sections(found: Comparison) -> Iterator[tuple[str, list[str]]]:
    if found.drivers:
        yield (
            "What fails more or takes longer in the later period, clearest first",
            list(map(driver_sentence, found.drivers)),
        )
    if found.steps:
        yield "Since when", list(map(step_sentence, found.steps))


def cells(change: Change) -> tuple[str, ...]:
    """A change as a row of a table with the headings COLUMNS."""
    return (
        LABELS[change.metric],
        f"{level(change, change.before)} ({words.tasks(change.tasks_before)})",
        f"{level(change, change.now)} ({words.tasks(change.tasks_now)})",
        _difference(change),
        signed(change, change.like_with_like),
        "clear" if change.is_clear else "not clear" if change.low is not None else "too few tasks",
    )


def _difference(change: Change) -> str:
    shown = signed(change, change.difference)
    return shown if change.low is None and change.high is None else f"{shown} ({words.interval(*ends(change))})"


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", " ".join(text.split("\n")))
