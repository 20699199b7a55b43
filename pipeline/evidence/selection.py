"""Select the tasks that a bundle is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import duckdb

from pipeline.errors import UnusableInputError
from warehouse.database.sealed import FilesRefusedError, refusal
from warehouse.database.session import first_line

if TYPE_CHECKING:
    import polars as pl

_CLAIMS: Final = "select source, task_id from refund_claims"
_FAILURE: Final = """
    select source, task_id
    from tasks
    where status = 'FAILURE' and not identity_conflict and failure_fingerprint(fail_reason) = $value
"""
_MISSED: Final = "select source, task_id from slo_tasks where verdict = 'missed' and objective = $value"


@dataclass(frozen=True, slots=True)
class Selection:
    """A query for `source` and `task_id`, and a description of what it selects.

    Attributes:
        title: the description, for people.
        query: SQL, run on a connection that can read nothing but the warehouse.
        values: the values of its parameters.
        if_none: what to do when no task is selected.
    """

    title: str
    query: str
    values: dict[str, str] = field(default_factory=dict)
    if_none: str = "check the condition with `avatar-tasks sql`"


def where(condition: str) -> Selection:
    """Tasks that match an SQL condition on the columns of `tasks`."""
    return Selection(f"tasks where {condition}", f"select source, task_id from tasks where ({condition}\n)")  # noqa: S608 - the user's own SQL


def claims() -> Selection:
    """Failures that were charged and, according to a rule, not refunded: those of the view `refund_claims`."""
    return Selection(
        "failures that were charged and, according to the rules of analysis.toml, not refunded",
        _CLAIMS,
        if_none="a claim needs a rule with `refunded = false` in analysis.toml that matches, and a known quota",
    )


def failure(fingerprint: str) -> Selection:
    """Failures with a fingerprint of the view `failure_reasons`."""
    return Selection(
        f"failures with the fingerprint {fingerprint!r}",
        _FAILURE,
        {"value": fingerprint},
        'the fingerprints are listed by `avatar-tasks sql "select fingerprint, tasks from failure_reasons"`',
    )


def missed(objective: str) -> Selection:
    """Tasks that missed an objective of analysis.toml."""
    return Selection(
        f"tasks that missed the objective {objective!r}",
        _MISSED,
        {"value": objective},
        'the objectives are listed by `avatar-tasks sql "select name from objectives"`',
    )


def selected(con: duckdb.DuckDBPyConnection, selection: Selection) -> pl.DataFrame:
    """`source` and `task_id` of the selected tasks, at least one.

    Raises:
        UnusableInputError: as `matching`, and when no task is selected.
    """
    found = matching(con, selection)
    if found.is_empty():
        raise UnusableInputError(f"there are no {selection.title}: nothing was written. Note: {selection.if_none}")
    return found


def matching(con: duckdb.DuckDBPyConnection, selection: Selection) -> pl.DataFrame:
    """`source` and `task_id` of the selected tasks; there may be none.

    Args:
        con: a connection that has been restricted.
        selection: which tasks.

    Raises:
        UnusableInputError: when the query is not valid SQL, is more than one condition, or reads anything else.
    """
    try:
        if len(con.extract_statements(selection.query)) != 1:
            raise UnusableInputError("--where takes one SQL condition, e.g. \"status = 'FAILURE'\", not a statement")
        return con.execute(selection.query, selection.values).pl().unique(maintain_order=True)
    except (duckdb.Error, FilesRefusedError) as error:
        is_refused = isinstance(error, FilesRefusedError) or refusal(error)
        why = f"it uses more than the warehouse ({first_line(error)})" if is_refused else first_line(error)
        raise UnusableInputError(f"the tasks cannot be selected: {why}. Try it with `avatar-tasks sql`") from error
