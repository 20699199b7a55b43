"""Selects tasks by the template of their work, or by values of dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports.errors import UnknownFilterError

if TYPE_CHECKING:
    import duckdb

    Values = tuple[tuple[str, str | None], ...]

#: Columns of task_dimensions that only tasks with a payload have.
OF_PAYLOAD: Final = (
    *("template_id", "file_type", "video_aspect_ratio", "primary_play_type", "pt_count", "input_kind"),
    *("voice_engine_id", "lan", "text_length"),
)
#: All dimensions that tasks can be selected by, as in the view drivers: columns of task_dimensions.
DIMENSIONS: Final = (
    *("source", "action", "platform", "model", "group", "channel", "gateway_version", "hour", "weekday"),
    *OF_PAYLOAD,
)


def choose_rows(con: duckdb.DuckDBPyConnection, templates: tuple[str, ...], values: Values) -> int:
    """Create the table chosen_rows: row ids of published.tasks with one of the templates and all of the values.

    Returns the number of rows.

    Raises:
        UnknownFilterError: a dimension is unknown, or no task has the values.
    """
    unknown = [name for name, _ in values if name not in DIMENSIONS]
    if unknown:
        msg = f"unknown dimension {unknown[0]!r}: known are {', '.join(DIMENSIONS)}"
        raise UnknownFilterError(msg)
    parts = []
    if templates:
        of_templates = "where template_id in (select unnest(templates) from memory.filters)"
        parts.append(f"semi join (from published.works {of_templates}) as of_templates using (source, task_id)")
    if values:
        conditions = " and ".join(_has_value(name) for name, _ in values)
        parts.append(
            f"semi join (from published.task_dimensions where {conditions}) as of_values using (source, task_id)"
        )
    con.execute(
        f"create table memory.chosen_rows as select rowid as task_row from published.tasks {' '.join(parts)}",  # noqa: S608 - names from DIMENSIONS
        [value for _, value in values],
    )
    [(found,)] = con.execute("select count(*) from memory.chosen_rows").fetchall()
    if values and not found:
        said = " and ".join(f"{name}={value or ''}" for name, value in values)
        raise UnknownFilterError(f'no task has {said}: `avatar-tasks sql "from drivers"` lists values of tasks')
    return int(found)


def _has_value(dimension: str) -> str:
    """The condition on a row of task_dimensions; a task without a payload has no value of a payload's dimension."""
    condition = f'"{dimension}" is not distinct from ?'
    return f"has_payload and {condition}" if dimension in OF_PAYLOAD else condition
