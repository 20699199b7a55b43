"""The result of `sql` as text for people: a table, or one line per column and row."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    import duckdb

_ROWS_SHOWN: Final = 100
_ROWS_AT_ONCE: Final = 1000

#: Rounded to three decimals, and below 1 to three significant digits: 53.0, 0.067, 0.000155.
_ROUNDED: Final = (
    "case when abs({0}) >= 1 or {0} = 0 or abs({0}) < 1e-300 then round({0}, 3) "
    "else round({0}, 2 - floor(log10(abs({0})))::integer) end as {0}"
)
_HIDDEN: Final = re.compile(r"(\d+) columns \((\d+) shown\)")


def as_table(rows: duckdb.DuckDBPyRelation, out: Path | None) -> Generator[bytes]:
    """The first rows as a table as wide as the terminal, or 250 characters wide if there is none."""
    rows = with_short_floats(rows)
    width = shutil.get_terminal_size((160, 40)).columns if os.isatty(1) and not out else 250
    table = io.StringIO()
    with contextlib.redirect_stdout(table):
        rows.show(max_rows=_ROWS_SHOWN, max_width=width)
    text = table.getvalue()
    yield text.encode()
    if hidden := _HIDDEN.search(text):
        yield f"{hidden[2]} of {hidden[1]} columns fit: --format line shows every one\n".encode()


def as_lines(rows: duckdb.DuckDBPyRelation) -> Generator[bytes]:
    """Every row and column: a line for each value, with its column's name, and an empty line between rows."""
    rows = with_short_floats(rows)
    width = max(map(len, rows.columns), default=0)
    number = 0
    while found := rows.fetchmany(_ROWS_AT_ONCE):
        for row in found:
            lines = [f"{name:<{width}}  {_shown(value)}" for name, value in zip(rows.columns, row, strict=True)]
            yield ("\n" * (number > 0) + "\n".join(line.rstrip() for line in lines) + "\n").encode()
            number += 1


def _shown(value: object) -> str:
    return "NULL" if value is None else str(value).replace("\n", "\\n")


def with_short_floats(rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The rows with rounded floats; unchanged if two columns have the same name."""
    floats = {name for name, kind in zip(rows.columns, rows.types, strict=True) if str(kind) in {"DOUBLE", "FLOAT"}}
    if not floats or len(set(map(str.lower, rows.columns))) < len(rows.columns):
        return rows
    quoted = {name: '"' + name.replace('"', '""') + '"' for name in rows.columns}
    return rows.project(", ".join(_ROUNDED.format(quoted[name]) if name in floats else quoted[name] for name in quoted))
