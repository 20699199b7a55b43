"""Tables, views and macros from their `.sql` files: path is name, and the header becomes the comments in the database.

A header is a comment block: the grain ("One row per …"), an empty comment line, then `column: what it is`, continued on
lines that are indented.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

ROOM: Final = Path(__file__).parent

_COLUMN: Final = re.compile(r"^(\w+): (.*)$")


@dataclass(frozen=True, slots=True)
class Definition:
    """One table, view or macro as its file says it."""

    name: str
    kind: str
    sql: str
    grain: str
    columns: dict[str, str]

    def comments(self) -> list[str]:
        """The statements that put the header into the database."""
        if self.kind == "macro":
            return [f"comment on macro table {self.name} is {_literal(self.grain)}"]
        described = [
            f'comment on column {self.name}."{name}" is {_literal(text)}' for name, text in self.columns.items()
        ]
        return [f"comment on {self.kind} {self.name} is {_literal(self.grain)}", *described]


@cache
def statement(name: str) -> str:
    """The text of `warehouse/{name}.sql`."""
    return (ROOM / f"{name}.sql").read_text(encoding="utf-8")


@cache
def definitions(folder: str) -> tuple[Definition, ...]:
    """Everything defined in `warehouse/{folder}/`, by name."""
    return tuple(_parse(path) for path in sorted((ROOM / folder).glob("*.sql")))


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Create the tables that are not there yet, with their comments."""
    present = {name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
    for definition in definitions("tables"):
        if definition.name not in present:
            _create(con, definition)


def create_views(con: duckdb.DuckDBPyConnection) -> None:
    """Create or replace every view and macro, each after those it uses."""
    waiting = list(definitions("marts"))
    names = {definition.name for definition in waiting}
    while waiting:
        ready = [one for one in waiting if not (_used_names(one.sql) & names - {one.name})]
        if not ready:
            msg = f"views use each other in a circle: {', '.join(sorted(names))}"
            raise ValueError(msg)
        for definition in ready:
            _create(con, definition)
        waiting = [one for one in waiting if one not in ready]
        names -= {one.name for one in ready}


def _create(con: duckdb.DuckDBPyConnection, definition: Definition) -> None:
    con.execute(definition.sql)
    for comment in definition.comments():
        con.execute(comment)


def _used_names(sql: str) -> set[str]:
    return set(re.findall(r"\w+", re.sub(r"--.*", "", sql)))


def _parse(path: Path) -> Definition:
    sql = path.read_text(encoding="utf-8")
    header = [line.removeprefix("--")[1:] for line in sql.split("\n\n")[0].splitlines() if line.startswith("--")]
    found = re.search(r"^create (?:or replace )?(table|view|macro)\b", sql, re.MULTILINE)
    if not found or "" not in header:
        msg = f"{path.name} needs a header (the grain, an empty comment line, the columns) and a create statement"
        raise ValueError(msg)
    grain = " ".join(header[: header.index("")])
    return Definition(path.stem, found[1], sql, grain, _columns(header[header.index("") + 1 :]))


def _columns(lines: list[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    name = ""
    for line in lines:
        if match := _COLUMN.match(line):
            name = match[1]
            columns[name] = match[2]
        elif line.startswith("  ") and name:
            columns[name] += f" {line.strip()}"
    return columns


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
