"""The warehouse's own views, over a subset of its tasks.

Statistics are defined in one place, the warehouse's views. A report about a subset of the tasks evaluates the same
definitions over other tables, in in-memory databases attached to the published copy: `cohort` has the selected tasks,
`pooled` the same tasks with all kinds pooled, and so on (see `tables.sql`). So `from cohort.latency_quantiles` is the
view `latency_quantiles` over the selected tasks, and no statistic is defined twice.

In all of them `now()` returns the same instant, the page's time: what is expired, stuck or due is decided as of then.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Final

import duckdb

from reports.cohort import of_all
from reports.cohort.buckets import name_buckets
from reports.cohort.databases import AFTER, DATABASES, KEPT, KEPT_AFTER, KEPT_OF_OURS, OF_ALL
from reports.cohort.used import VIEWS, sql_of, with_used
from reports.cohort.values import choose_rows
from reports.errors import OutdatedError, UnknownFilterError
from warehouse.database.reader import open_beside_published
from warehouse.database.schema import definitions, in_order
from warehouse.database.session import first_line, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from warehouse.database.schema import Definition
    from warehouse.paths import DataPaths

#: Tasks selected by their payload are copied into a table if there are at most this many, so that figures do not each
#: search all tasks for them.
_FEW: Final = 500_000

#: The condition on a task for each filter; its values are in the table `filters`.
_KINDS: Final = {
    "sources": "source in (select unnest(sources) from memory.filters)",
    "actions": "action in (select unnest(actions) from memory.filters)",
}
#: The condition for templates and values: such tasks are looked up once, and their row ids stored in `chosen_rows`.
_ROWS: Final = "rowid in (select task_row from memory.chosen_rows)"
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
        since: the beginning of the range of submit_time, inclusive.
        until: its end, exclusive.
        values: dimensions (as in drivers_between), each with the value that tasks must have; None: tasks without one.
        timezone: buckets begin with its local hours and days; also the session's, so that queries return local times.
    """

    sources: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    values: tuple[tuple[str, str | None], ...] = ()
    timezone: str = "UTC"

    @property
    def has_all(self) -> bool:
        """Whether it contains all tasks: no filter is set."""
        return not any((self.sources, self.actions, self.templates, self.since, self.until, self.values))


def open_cohort(paths: DataPaths, cohort: Cohort, now: datetime | None = None) -> duckdb.DuckDBPyConnection:
    """The published warehouse with its views over `cohort` as of `now`, and the report's own views on top of them.

    Raises:
        UnknownFilterError: no task has a source, action or template of the cohort.
        OutdatedError: the warehouse was created by another version.
        NothingPublishedError, WarehouseError: as `avatar_tasks.connect`.
    """
    con = open_beside_published(paths)
    try:
        choose(con, cohort, now)
    except OutdatedError as error:
        con.close()
        raise OutdatedError(f"{paths.published} {error}") from error
    except BaseException:
        con.close()
        raise
    return con


def choose(
    con: duckdb.DuckDBPyConnection,
    cohort: Cohort,
    now: datetime | None = None,
    *,
    keeps: bool = False,
    wanted: frozenset[str] | None = None,
) -> None:
    """Add the views over `cohort` to a connection of `open_beside_published`.

    Args:
        con: the connection; no cohort has been chosen on it yet.
        cohort: which tasks.
        now: the time that `now()` returns in all its views; None: the current time.
        keeps: whether views that several figures read are evaluated now and stored as tables on the connection.
        wanted: the views, of the report and of the warehouse, that will be read; None: all. Creating a view takes some
            milliseconds, so the others are left out.

    Raises:
        UnknownFilterError, OutdatedError: as `open_cohort`.
    """
    try:
        _check(con, cohort)
        used = None if wanted is None else with_used(wanted)
        _build(con, cohort, now or datetime.now(UTC), keeps=keeps, used=used)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise _outdated(error) from error


@contextmanager
def using(con: duckdb.DuckDBPyConnection, database: str) -> Iterator[None]:
    """Make one of DATABASES the default: table macros look up tables and views in the default database of a query."""
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


def _build(
    con: duckdb.DuckDBPyConnection, cohort: Cohort, now: datetime, *, keeps: bool, used: frozenset[str] | None
) -> None:
    con.execute(sql_of("cohort/filters"), _parameters(cohort) | {"timezone": cohort.timezone})
    name_buckets(con, cohort.timezone)
    for name in DATABASES:
        con.execute(f"attach ':memory:' as {name}")
    for name in ("memory", *DATABASES):
        con.execute(f"create macro {name}.now() as timestamptz {quoted(now.isoformat())}")
    chosen = choose_rows(con, cohort.templates, cohort.values) if cohort.templates or cohort.values else None
    is_kept = keeps and chosen is not None and chosen <= _FEW
    for view, table, conditions in _chosen(cohort):
        text = f"create view {view} as from {table} where {' and '.join(conditions) or 'true'}"
        con.execute(_as_table(text, is_kept and view == "always.tasks"))
    con.execute(sql_of("cohort/tables"))
    if not cohort.has_all:
        con.execute(sql_of("cohort/parts"))
    _pass_on_tables(con)
    _add_of_all(con, cohort, used)
    _add_own(con, VIEWS[:1], used, keeps=keeps)  # every_bucket, which follow_up.sql reads
    for name, views in DATABASES.items():
        con.execute(f"use {name}")
        for definition in _in_order():
            if definition.name in views and (used is None or definition.name in used):
                con.execute(_text_of(definition, name, cohort, keeps=keeps))
        for after in AFTER.get(name, ()):
            con.execute(_as_table(sql_of(f"cohort/{after}"), keeps and (name, after) in KEPT_AFTER))
    con.execute("use memory")
    if keeps and cohort.has_all:
        of_all.keep(con, "cohort.failure_chance", "failure_chance")
    con.execute(f"set timezone = {quoted(cohort.timezone)}")
    _add_own(con, VIEWS[1:], used, keeps=keeps)


def _add_of_all(con: duckdb.DuckDBPyConnection, cohort: Cohort, used: frozenset[str] | None) -> None:
    for view in OF_ALL:
        of_all.add_table(con, f"cohort.{view}", view)
    if not cohort.has_all and (used is None or "failure_chance" in used):  # see failure_chance.sql
        of_all.add_table(con, "whole.failure_chance", "failure_chance")


def _add_own(
    con: duckdb.DuckDBPyConnection, names: tuple[str, ...], used: frozenset[str] | None, *, keeps: bool
) -> None:
    """Create views of the report; those in `KEPT_OF_OURS` as tables if `keeps`."""
    for name in names:
        if used is None or name in used:
            con.execute(_as_table(sql_of(f"views/{name}"), keeps and name in KEPT_OF_OURS))


def _text_of(definition: Definition, database: str, cohort: Cohort, *, keeps: bool) -> str:
    """The statement that adds a view or macro of the warehouse to a database."""
    if (database, definition.name) == ("cohort", "failure_chance") and not cohort.has_all:
        return sql_of("cohort/failure_chance")
    return _as_table(definition.sql, keeps and definition.name in KEPT.get(database, ()))


def _as_table(text: str, is_kept: bool) -> str:  # noqa: FBT001 - one thing or the other
    """A statement that creates a view; if `is_kept`, changed to create a table with the view's rows."""
    return re.sub(r"create( or replace)? view", "create table", text, count=1) if is_kept else text


def _chosen(cohort: Cohort) -> Iterator[tuple[str, str, list[str]]]:
    """Each view, the table it reads, and the conditions on its rows: one per filter that is set.

    Answers are selected only by source and time of polling, because an answer without a task has no action or template.
    """
    used = {name for name, value in _parameters(cohort).items() if value is not None}
    kinds = [_KINDS[name] for name in _KINDS if name in used] + ([_ROWS] if cohort.templates or cohort.values else [])
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
        f"was made by another version of avatar-tasks ({first_line(error)}): "
        "run `avatar-tasks publish`, and if that says so `avatar-tasks rebuild`"
    )
