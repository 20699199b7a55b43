"""The warehouse's own views, over a subset of its tasks.

Statistics are defined in one place, the warehouse's views. A report about a subset of the tasks evaluates the same
definitions on other tables, in in-memory databases attached to the published copy: `cohort` has the selected tasks,
`pooled` the same tasks with all kinds pooled, and so on (see `tables.sql`). So `from cohort.latency_quantiles` is
`latency_quantiles` of the selected tasks, and nothing is computed in two ways.

In all of them `now()` is one instant, that of the page: what a view calls expired, stuck or due is so as of then.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Final

import duckdb

from reports.cohort.buckets import name_buckets
from reports.cohort.used import PERIODS, VIEWS, sql_of, with_used
from reports.cohort.values import choose_rows
from reports.errors import OutdatedError, UnknownFilterError
from warehouse.database.reader import open_beside_published
from warehouse.database.schema import definitions, in_order, with_needed
from warehouse.database.session import first_line, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from warehouse.database.schema import Definition
    from warehouse.paths import DataPaths

#: Views that are evaluated once for a page with all its figures, and then kept.
_KEPT: Final = {"cohort": {"task_latency", "failure_chance"}, "pooled": {"kind_follow_up"}}
_KEPT_AFTER: Final = {("pooled", "quantiles"), ("pooled", "outcome_curve")}
_KEPT_OF_OURS: Final = frozenset({"every_bucket", "failure_pareto", "latency_cells"})

#: Up to so many tasks, chosen by what their payload has, are kept: each figure would look for them among all others.
_FEW: Final = 500_000

_BUCKETS: Final = {"bucket_start", "bucket_end", "is_bucket_partial", "kind_follow_up"}
_RATES: Final = {*_BUCKETS, "failure_rate_by", "failure_rate_daily"}
_CURVES: Final = {
    *_BUCKETS,
    *("survival_bound", "incidence_bound", "age_bin", "levels_reached", "latency_life_table_between"),
    *("latency_survival_between", "latency_survival", "latency_bins_by", "latency_quantiles_by"),
    *("latency_quantiles", "outcome_shares_between", "outcome_incidence_between", "outcome_incidence"),
}
#: Views that depend on the whole warehouse.
_OF_THE_WHOLE: Final = {"accepted_lists", "kind_follow_up", "stuck_tasks"}
#: Those of the whole warehouse that depend on the time, too.
_BY_THE_CLOCK: Final = {"collection_freshness", "given_up_tasks", "id_accounting", "stuck_tasks"}
#: Databases, and which of the warehouse's views each has over its own tables: `cohort` has all but those that read the
#: whole warehouse (see histories.sql), the others those that the report needs. What ends on _total and _buckets has its
#: kind_follow_up from follow_up.sql.
DATABASES: Final = {
    "whole": frozenset(with_needed(_BY_THE_CLOCK)),
    "always": frozenset(with_needed(PERIODS)),
    "cohort": frozenset(one.name for one in definitions("marts")) - _OF_THE_WHOLE,
    "pooled": frozenset(_CURVES),
    "pooled_always": frozenset({"in_flight_by_minute"}),
    "pooled_buckets": frozenset(_CURVES) - {"kind_follow_up"},
    "cohort_total": frozenset(_RATES) - {"kind_follow_up"},
    "pooled_total": frozenset(_RATES) - {"kind_follow_up"},
    "buckets_total": frozenset(_RATES) - {"kind_follow_up"},
}
#: What is made of the views of a database.
_AFTER: Final = {
    "whole": ("histories",),
    "cohort": ("latencies", "quantiles"),
    "pooled": ("follow_up", "quantiles", "outcome_curve"),
    "pooled_buckets": ("quantiles",),
}


#: Conditions on the rows of a table by filter; the values are in the table `filters`.
_KINDS: Final = {
    "sources": "source in (select unnest(sources) from memory.filters)",
    "actions": "action in (select unnest(actions) from memory.filters)",
}
#: Tasks chosen by what their payload has, too: they are looked for once, and then named by the number of their row.
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

    @property
    def has_all(self) -> bool:
        """Whether it has all tasks, whatever its time zone."""
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
        con: the connection, with nothing chosen on it yet.
        cohort: which tasks.
        now: the time that `now()` means in all its views; None: this moment.
        keeps: whether views that several figures use are evaluated now, and kept until the connection is closed.
        wanted: the views, of the report and of the warehouse, that are going to be read; None: all of them. Each view
            takes some milliseconds to create.

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
    _add_own(con, VIEWS[:1], used, keeps=keeps)  # of which buckets there are
    for name, views in DATABASES.items():
        con.execute(f"use {name}")
        for definition in _in_order():
            if definition.name in views and (used is None or definition.name in used):
                con.execute(_text_of(definition, name, cohort, keeps=keeps))
        for after in _AFTER.get(name, ()):
            con.execute(_as_table(sql_of(f"cohort/{after}"), keeps and (name, after) in _KEPT_AFTER))
    con.execute("use memory")
    con.execute(f"set timezone = {quoted(cohort.timezone)}")
    _add_own(con, VIEWS[1:], used, keeps=keeps)


def _add_own(
    con: duckdb.DuckDBPyConnection, names: tuple[str, ...], used: frozenset[str] | None, *, keeps: bool
) -> None:
    """Views of the report, or tables of what they have."""
    for name in names:
        if used is None or name in used:
            con.execute(_as_table(sql_of(f"views/{name}"), keeps and name in _KEPT_OF_OURS))


def _text_of(definition: Definition, database: str, cohort: Cohort, *, keeps: bool) -> str:
    """The statement that adds a view or macro of the warehouse to a database."""
    if (database, definition.name) == ("cohort", "failure_chance") and not cohort.has_all:
        return sql_of("cohort/failure_chance")
    return _as_table(definition.sql, keeps and definition.name in _KEPT.get(database, ()))


def _as_table(text: str, is_kept: bool) -> str:  # noqa: FBT001 - one thing or the other
    """The statement that makes a view, or if that is kept a table of what it has."""
    return re.sub(r"create( or replace)? view", "create table", text, count=1) if is_kept else text


def _chosen(cohort: Cohort) -> Iterator[tuple[str, str, list[str]]]:
    """View, its table and the conditions on its rows; only conditions of filters in use.

    Answers are selected by source and time of polling: one without a task has neither action nor template.
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
