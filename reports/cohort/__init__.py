"""The warehouse's own views, over a subset of its tasks.

Statistics are defined in one place, the warehouse's views. A report about a subset of the tasks evaluates the same
definitions on other tables, in in-memory databases attached to the published copy: `cohort` has the selected tasks,
`pooled` the same tasks with all kinds pooled, and so on (see `tables.sql`). So `from cohort.latency_quantiles` is
`latency_quantiles` of the selected tasks, and nothing is computed in two ways.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import duckdb

from reports.cohort.buckets import name_buckets
from reports.cohort.used import PERIODS, VIEWS, sql_of, with_used
from reports.errors import OutdatedError, UnknownFilterError
from warehouse.database.reader import open_beside_published
from warehouse.database.schema import definitions, in_order, with_needed
from warehouse.database.session import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import polars as pl

    from warehouse.database.schema import Definition
    from warehouse.paths import DataPaths

#: Views that are evaluated once for a page with all its figures, and then kept.
_KEPT: Final = {"cohort": {"task_latency"}, "pooled": {"latency_quantiles"}}
_KEPT_OF_OURS: Final = frozenset({"every_bucket", "failure_pareto", "latency_cells", "outcome_curve"})

_BUCKETS: Final = {"bucket_start", "bucket_end", "is_bucket_partial", "kind_follow_up"}
_RATES: Final = {*_BUCKETS, "failure_rate_by", "failure_rate_daily"}
_CURVES: Final = {
    *_BUCKETS,
    *("survival_bound", "incidence_bound", "age_bin", "levels_reached", "latency_life_table_between"),
    *("latency_survival_between", "latency_survival", "latency_bins_by", "latency_quantiles_by"),
    *("latency_quantiles", "outcome_incidence_between", "outcome_incidence"),
}
#: Databases, and which of the warehouse's views each has over its own tables: `cohort` has all but those that read the
#: whole warehouse (see histories.sql), the others those that the report needs.
DATABASES: Final = {
    "always": frozenset(with_needed(PERIODS)),
    "cohort": frozenset(one.name for one in definitions("marts")) - {"accepted_lists", "failure_chance", "stuck_tasks"},
    "pooled": frozenset(_CURVES),
    "pooled_always": frozenset({"in_flight_by_minute"}),
    "pooled_buckets": frozenset(_CURVES),
    "cohort_total": frozenset(_RATES),
    "pooled_total": frozenset(_RATES),
    "buckets_total": frozenset(_RATES),
}


#: Columns of task_dimensions that only tasks with a payload have.
OF_PAYLOAD: Final = (
    *("template_id", "file_type", "video_aspect_ratio", "primary_play_type", "pt_count", "input_kind"),
    *("voice_engine_id", "lan", "text_length"),
)
#: What tasks can be chosen by besides, as in the view drivers: columns of task_dimensions.
DIMENSIONS: Final = (
    *("source", "action", "platform", "model", "group", "channel", "gateway_version", "hour", "weekday"),
    *OF_PAYLOAD,
)

#: Conditions on the rows of a table by filter; the values are in the table `filters`.
_KINDS: Final = {
    "sources": "source in (select unnest(sources) from memory.filters)",
    "actions": "action in (select unnest(actions) from memory.filters)",
    "templates": (
        "(source, task_id) in (select (source, task_id) from published.works "
        "where template_id in (select unnest(templates) from memory.filters))"
    ),
}
_VALUED: Final = "(source, task_id) in (select (source, task_id) from memory.valued_tasks)"
_TIMES: Final = {
    "since": ">= (select since from memory.filters)",
    "until": "< (select until from memory.filters)",
}


@dataclass(frozen=True, slots=True)
class Cohort:
    """Which tasks a report is about; by default all of them.

    Attributes:
        sources: their gateways.
        actions: their actions.
        templates: template ids of their works.
        since: the beginning of the range of submit_time, included.
        until: its end, not included.
        values: dimensions, as drivers_between has them, with the one value that tasks have; None: tasks without one.
        timezone: in whose local days buckets of time begin; also the session's, so that times come in it.
    """

    sources: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    values: tuple[tuple[str, str | None], ...] = ()
    timezone: str = "UTC"


def open_cohort(paths: DataPaths, cohort: Cohort) -> duckdb.DuckDBPyConnection:
    """The published warehouse with its views over `cohort`, and the report's own views on top of them.

    Raises:
        UnknownFilterError: no task has a source, action or template of the cohort.
        OutdatedError: the warehouse was created by another version.
        NothingPublishedError, WarehouseError: as `avatar_tasks.connect`.
    """
    con = open_beside_published(paths)
    try:
        choose(con, cohort)
    except OutdatedError as error:
        con.close()
        raise OutdatedError(f"{paths.published} {error}") from error
    except BaseException:
        con.close()
        raise
    return con


def choose(
    con: duckdb.DuckDBPyConnection, cohort: Cohort, *, keeps: bool = False, wanted: frozenset[str] | None = None
) -> None:
    """Add the views over `cohort` to a connection of `open_beside_published`.

    Args:
        con: the connection, with nothing chosen on it yet.
        cohort: which tasks.
        keeps: whether views that several figures use are evaluated now, and kept until the connection is closed.
        wanted: the views, of the report and of the warehouse, that are going to be read; None: all of them. Each view
            takes some milliseconds to create.

    Raises:
        UnknownFilterError, OutdatedError: as `open_cohort`.
    """
    try:
        _check(con, cohort)
        _build(con, cohort, keeps=keeps, used=None if wanted is None else with_used(wanted))
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise _outdated(error) from error


@contextmanager
def using(con: duckdb.DuckDBPyConnection, database: str) -> Iterator[None]:
    """With names that mean the tables and views of one of DATABASES: table macros see those of their caller."""
    con.execute(f"use {database}")
    try:
        yield
    finally:
        con.execute("use memory")


def choices(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The possible values of each filter: see `choices.sql`."""
    return con.execute(sql_of("cohort/choices")).pl()


def _check(con: duckdb.DuckDBPyConnection, cohort: Cohort) -> None:
    wanted = {"source": cohort.sources, "action": cohort.actions, "template": cohort.templates}
    if not any(wanted.values()):
        return
    rows = con.execute(sql_of("cohort/choices")).fetchall()
    for name, values in wanted.items():
        known = [value for kind, value, *_ in rows if kind == name]
        for value in values:
            if value not in known:
                there = ", ".join(known[:10]) + (" …" if len(known) > 10 else "")  # noqa: PLR2004 - a line's worth
                msg = f"no task has the {name} {value!r}: the warehouse has {there or 'none'}"
                raise UnknownFilterError(msg)


def _build(con: duckdb.DuckDBPyConnection, cohort: Cohort, *, keeps: bool, used: frozenset[str] | None) -> None:
    con.execute(sql_of("cohort/filters"), _parameters(cohort) | {"timezone": cohort.timezone})
    name_buckets(con, cohort.timezone)
    for name in DATABASES:
        con.execute(f"attach ':memory:' as {name}")
    if cohort.values:
        _choose_values(con, cohort.values)
    for view, table, conditions in _chosen(cohort):
        con.execute(f"create view {view} as from {table} where {' and '.join(conditions) or 'true'}")
    con.execute(sql_of("cohort/tables"))
    _pass_on_tables(con)
    con.execute(sql_of("cohort/histories"))
    for name, views in DATABASES.items():
        con.execute(f"use {name}")
        for definition in _in_order():
            if definition.name in views and (used is None or definition.name in used):
                con.execute(_kept(definition) if keeps and definition.name in _KEPT.get(name, ()) else definition.sql)
        if name == "cohort":
            con.execute(sql_of("cohort/latencies"))
    con.execute("use memory")
    con.execute(f"set timezone = {quoted(cohort.timezone)}")
    for name in VIEWS if used is None else [name for name in VIEWS if name in used]:
        text = sql_of(f"views/{name}")
        is_kept = keeps and name in _KEPT_OF_OURS
        con.execute(text.replace("create view", "create table", 1) if is_kept else text)


def _choose_values(con: duckdb.DuckDBPyConnection, values: tuple[tuple[str, str | None], ...]) -> None:
    """The table valued_tasks, of the tasks that have all of these."""
    unknown = [name for name, _ in values if name not in DIMENSIONS]
    if unknown:
        msg = f"{unknown[0]!r} is nothing to choose tasks by: there are {', '.join(DIMENSIONS)}"
        raise UnknownFilterError(msg)
    conditions = " and ".join(_has_value(name) for name, _ in values)
    con.execute(
        f"create table memory.valued_tasks as select source, task_id from published.task_dimensions where {conditions}",  # noqa: S608 - names from DIMENSIONS
        [value for _, value in values],
    )
    if not con.execute("from memory.valued_tasks limit 1").fetchall():
        said = " and ".join(f"{name}={value or ''}" for name, value in values)
        raise UnknownFilterError(f'no task has {said}: `avatar-tasks sql "from drivers"` has values that tasks have')


def _has_value(dimension: str) -> str:
    """The condition on a row of task_dimensions for a value; a task without a payload is in no dimension of one."""
    condition = f'"{dimension}" is not distinct from ?'
    return f"has_payload and {condition}" if dimension in OF_PAYLOAD else condition


def _kept(definition: Definition) -> str:
    """The statement that makes a table of what a view has."""
    return definition.sql.replace("create or replace view", "create table", 1)


def _chosen(cohort: Cohort) -> Iterator[tuple[str, str, list[str]]]:
    """View, its table and the conditions on its rows; only conditions of filters in use.

    Answers are selected by source and time of polling: one without a task has neither action nor template.
    """
    used = {name for name, value in _parameters(cohort).items() if value is not None}
    kinds = [_KINDS[name] for name in _KINDS if name in used] + ([_VALUED] if cohort.values else [])
    source = [_KINDS["sources"]] if "sources" in used else []
    submitted, observed = (
        [f"{column} {_TIMES[name]}" for name in _TIMES if name in used] for column in ("submit_time", "observed_at")
    )
    yield "always.tasks", "published.tasks", kinds
    yield "always.observations", "published.observations", source
    yield "cohort.tasks", "always.tasks", submitted
    yield "cohort.observations", "published.observations", source + observed
    yield "cohort.quarantine", "published.quarantine", source + observed


def _pass_on_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Add the published warehouse's tables, except those that `tables.sql` defines."""
    for name in DATABASES:
        for table in definitions("tables"):
            con.execute(f"create view if not exists {name}.{table.name} as from published.{table.name}")


@cache
def _in_order() -> tuple[Definition, ...]:
    return tuple(in_order(definitions("marts")))


def _parameters(cohort: Cohort) -> dict[str, object]:
    return {
        "sources": list(cohort.sources) or None,
        "actions": list(cohort.actions) or None,
        "templates": list(cohort.templates) or None,
        "since": cohort.since,
        "until": cohort.until,
    }


def _outdated(error: duckdb.Error) -> OutdatedError:
    return OutdatedError(
        f"was made by another version of avatar-tasks ({str(error).splitlines()[0]}): "
        "run `avatar-tasks publish`, and if that says so `avatar-tasks rebuild`"
    )
