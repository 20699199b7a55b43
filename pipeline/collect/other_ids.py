"""Answers under other ids than were polled, and ids that a gateway does not know: facts and sentences for people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from warehouse.database.schema import statement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import duckdb

_ADVICE: Final = (
    "These answers do not count, and the ids are polled again. Check the proxy in front of the gateway, which mixes up "
    "answers; if the gateway answers under its own ids, set AVATAR_TASKS_ACCEPT_OTHER_IDS=true"
)

Example = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OtherIds:
    """Answers that came under other ids than a run polled.

    Attributes:
        conflicts: number of ids with an answer that is proven to be about another task.
        conflict_examples: at most three of these, as {task_id, answered_id}.
        unproven: number of ids that were answered under another id, which alone proves nothing.
        unproven_examples: at most three of these, as {task_id, answered_id}.
    """

    conflicts: int = 0
    conflict_examples: list[Example] = field(default_factory=list)
    unproven: int = 0
    unproven_examples: list[Example] = field(default_factory=list)

    def as_lines(self) -> list[str]:
        """For people."""
        lines = []
        if self.conflicts:
            lines.append(f"{in_conflict(self.conflicts, self.conflict_examples)}")
        if self.unproven:
            lines.append(
                f"{self.unproven:,} ids were answered under another id ({_examples(self.unproven_examples)}). "
                "That alone proves nothing, so these answers count; they have the flag task_id_differs"
            )
        return lines


def other_ids_of_run(con: duckdb.DuckDBPyConnection, run_id: str) -> OtherIds:
    """The answers of a run that came under other ids."""
    rows = con.execute(statement("queries/other_ids_of_run"), {"run_id": run_id}).fetchall()
    found = {is_conflict: (ids, examples) for is_conflict, ids, examples in rows}
    return OtherIds(*found.get(True, (0, [])), *found.get(False, (0, [])))


def in_conflict(count: int, examples: Sequence[Example]) -> str:
    """The sentence about ids that were answered about other tasks: how many, and what to do."""
    return f"{count:,} ids were answered about another task ({_examples(examples)}). {_ADVICE}"


def missing_storms(con: duckdb.DuckDBPyConnection, moment: datetime) -> dict[str, str]:
    """For each source whose gateway suddenly does not know many ids, a sentence about it."""
    rows = con.execute(statement("queries/lasting_storms"), {"moment": moment}).fetchall()
    return {
        source: (
            f"the gateway of {source} does not know {missing:,} of the {answered:,} ids polled within an hour, since "
            f"{since:%Y-%m-%d %H:%M} UTC; it knew {seen_before:,} of them before. No id is given up while this lasts. "
            "Check AVATAR_TASKS_API_KEY, AVATAR_TASKS_BASE_URL and AVATAR_TASKS_SOURCE: with another account's key all "
            "ids are unknown"
        )
        for source, since, missing, answered, _, seen_before in rows
    }


def _examples(examples: Sequence[Example]) -> str:
    return ", ".join(f"{one['task_id']} under {one['answered_id']}" for one in examples[:3])
