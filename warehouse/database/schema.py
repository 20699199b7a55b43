"""Tables, views and macros from `.sql` files of the same name, whose headers become comments in the database."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.database.advisory_lock import serialized
from warehouse.database.dialect import dialect_of
from warehouse.database.header import read_header
from warehouse.database.log_check import next_state
from warehouse.database.transaction import transaction
from warehouse.errors import WarehouseOutdatedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

PACKAGE: Final = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Definition:
    """One table, view or macro, read from its file."""

    name: str
    kind: str
    sql: str
    grain: str
    columns: dict[str, str]
    notes: tuple[str, ...] = ()

    def comments(self, *, takes_all: bool = True) -> list[str]:
        """Statements that write the header into the database; without `takes_all`, those that a lake supports, too."""
        if not takes_all and self.kind == "macro":
            return []
        if self.kind == "macro":
            kind = "macro table" if re.search(r"\bas table\b", self.sql) else "macro"
            return [f"comment on {kind} {self.name} is {_literal(self.grain)}"]
        described = [
            f'comment on column {self.name}."{name}" is {_literal(text)}' for name, text in self.columns.items()
        ]
        about_columns = described if takes_all or self.kind != "view" else []
        return [f"comment on {self.kind} {self.name} is {_literal(self.grain)}", *about_columns]


@cache
def statement(name: str) -> str:
    """The text of `warehouse/{name}.sql`."""
    return (PACKAGE / f"{name}.sql").read_text(encoding="utf-8")


@cache
def definitions(folder: str) -> tuple[Definition, ...]:
    """Everything defined in `warehouse/{folder}/`, by name."""
    return tuple(_parse(path) for path in sorted((PACKAGE / folder).glob("*.sql")))


def bring_up_to_date(con: duckdb.DuckDBPyConnection) -> None:
    """Make every table, view and macro match its file; if all of them do already, nothing is written.

    Missing tables are created; all views and macros are recreated, and those without a file dropped.

    Raises:
        WarehouseOutdatedError: when a table has other columns than in its file. Its rows were derived by another
            version, so only a rebuild helps.
    """
    if _standing_fingerprint(con) != fingerprint():
        serialized(con, lambda: _renew(con))


def _renew(con: duckdb.DuckDBPyConnection) -> None:
    if _standing_fingerprint(con) == fingerprint():
        return  # another process was first
    with transaction(con):
        present = _columns_by_table(con)
        if present:
            _check_columns(con, present)
            _drop_views(con)
        _create_all(con, present)


def recreate_all(con: duckdb.DuckDBPyConnection) -> None:
    """Drop every table, view and macro, and create them again, empty, within the caller's transaction."""
    _drop_views(con)
    for table in _columns_by_table(con):
        con.execute(f'drop table "{table}"')
    _create_all(con, {})


def copy_rows(con: duckdb.DuckDBPyConnection, source: str) -> None:
    """Copy the rows of the tables in `source`, a database and schema, into the empty tables in use.

    Runs within the caller's transaction.
    """
    for definition in definitions("tables"):
        if definition.name != "catalog_version":
            con.execute(f"insert into {definition.name} by name from {source}.{definition.name}")


def _create_all(con: duckdb.DuckDBPyConnection, present: Collection[str]) -> None:
    takes_all = dialect_of(con).takes_all_comments
    for definition in definitions("tables"):
        if definition.name not in present:
            _create(con, definition, takes_all_comments=takes_all)
    for definition in in_order(definitions("marts")):
        _create(con, definition, takes_all_comments=takes_all)
    state = next_state(con)
    con.execute("delete from catalog_version")
    con.execute("insert into catalog_version values (?, ?)", [fingerprint(), state])


@cache
def fingerprint() -> str:
    """A hash of the definitions of all tables, views and macros."""
    everything = [(one.name, one.sql) for one in (*definitions("tables"), *definitions("marts"))]
    return blake2b(repr(everything).encode(), digest_size=16).hexdigest()


def in_order(wanted: Iterable[Definition]) -> list[Definition]:
    """Views and macros in an order in which each comes after those it uses.

    Raises:
        ValueError: when they use each other in a circle.
    """
    named = {one.name: one for one in wanted}
    uses = {one.name: (_used_names(one.sql) & named.keys()) - {one.name} for one in named.values()}
    try:
        ordered = list(TopologicalSorter(uses).static_order())
    except CycleError as error:
        msg = f"views use each other in a circle: {', '.join(error.args[1])}"
        raise ValueError(msg) from error
    return [named[name] for name in ordered]


def with_needed(names: Iterable[str]) -> set[str]:
    """The names of these views and macros, and of all that they use, directly or not."""
    uses = {one.name: _used_names(one.sql) for one in definitions("marts")}
    found, waiting = set[str](), list(names)
    while waiting:
        if (name := waiting.pop()) in uses and name not in found:
            found.add(name)
            waiting.extend(uses[name])
    return found


def _standing_fingerprint(con: duckdb.DuckDBPyConnection) -> str | None:
    try:
        row = con.execute("select fingerprint from catalog_version").fetchone()
    except duckdb.CatalogException:  # a new file, or one from before there were fingerprints
        return None
    return row[0] if row else None


def _columns_by_table(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str]]]:
    """Name and type of every column of every table that is not temporary, in order."""
    return dict(con.execute(statement("queries/columns_by_table")).fetchall())


def _check_columns(con: duckdb.DuckDBPyConnection, present: dict[str, list[tuple[str, str]]]) -> None:
    for table, wanted in _wanted_columns().items():
        if present.get(table, wanted) != wanted:
            msg = (
                f"the warehouse {_place(con)} was made by another version of avatar-tasks: its table {table} has other "
                "columns. It is derived from the archive: run `avatar-tasks rebuild` to recreate it"
            )
            raise WarehouseOutdatedError(msg)


def _place(con: duckdb.DuckDBPyConnection) -> str:
    if place := dialect_of(con).place:
        return place
    [(path,)] = con.execute("select path from duckdb_databases() where database_name = current_database()").fetchall()
    return str(path)


def _wanted_columns() -> dict[str, list[tuple[str, str]]]:
    with contextlib.closing(duckdb.connect(":memory:")) as con:
        for definition in definitions("tables"):
            con.execute(definition.sql)
        return _columns_by_table(con)


def _drop_views(con: duckdb.DuckDBPyConnection) -> None:
    for kind, name in con.execute(statement("queries/views_and_macros")).fetchall():
        con.execute(f'drop {kind} if exists "{name}"')


def _create(con: duckdb.DuckDBPyConnection, definition: Definition, *, takes_all_comments: bool) -> None:
    con.execute(definition.sql)
    con.execute(";\n".join(definition.comments(takes_all=takes_all_comments)))


def _used_names(sql: str) -> set[str]:
    return set(re.findall(r"\w+", re.sub(r"--.*", "", sql)))


def _parse(path: Path) -> Definition:
    sql = path.read_text(encoding="utf-8")
    header = read_header(sql)
    found = re.search(r"^create (?:or replace )?(table|view|macro)\b", sql, re.MULTILINE)
    if not found or not header.columns:
        msg = f"{path.name} needs a header (the grain, an empty comment line, the columns) and a create statement"
        raise ValueError(msg)
    return Definition(path.stem, found[1], sql, header.grain, header.columns, header.notes)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def estimated_tasks(con: duckdb.DuckDBPyConnection) -> int:
    """About how many tasks there are, without reading the table."""
    row = con.execute("select estimated_size from duckdb_tables() where table_name = 'tasks'").fetchone()
    return int(row[0] or 0) if row else 0
