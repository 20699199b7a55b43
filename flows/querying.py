"""`sql`: one query on the published warehouse, in the form people want it."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import duckdb

from flows.console import harmless
from flows.errors import UnusableInputError
from warehouse.connection import reader

if TYPE_CHECKING:
    from warehouse.paths import DataPaths

_STDOUT: Final = "/dev/stdout"
_ROWS_SHOWN: Final = 100


def run_query(paths: DataPaths, query: str, kind: str, out: Path | None) -> None:
    """Run `query` and show its rows.

    Args:
        paths: the data directory.
        query: SQL that DuckDB takes.
        kind: table, csv, json or parquet.
        out: a file instead of stdout.

    Raises:
        NothingPublishedError: when nothing has been published yet.
        UnusableInputError: when the query or the file cannot be used.
    """
    if kind == "parquet" and out is None:
        msg = "Parquet is no text: give a file for it with --out FILE"
        raise UnusableInputError(msg)
    try:
        with reader(paths) as con:
            rows = con.sql(query)
            if rows is not None:
                _show(con, rows, kind, out)
    except duckdb.Error as error:
        msg = f"the query failed: {error}"
        raise UnusableInputError(msg) from error
    except OSError as error:
        msg = f"cannot write {out}: {error.strerror or error}"
        raise UnusableInputError(msg) from error


def _show(con: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, kind: str, out: Path | None) -> None:
    if kind == "table":
        _show_table(rows, out)
    elif out is None and sys.stdout.isatty():
        with tempfile.TemporaryDirectory() as folder:
            shown = Path(folder, "shown")
            _write(con, rows, kind, str(shown))
            click.echo(harmless(shown.read_text(encoding="utf-8")), nl=False)
    else:
        _write(con, rows, kind, str(out) if out else _STDOUT)


def _write(con: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, kind: str, target: str) -> None:
    """Into a file as it is, whatever is in it: files are data."""
    if kind == "csv":
        rows.write_csv(target, header=True)
    elif kind == "parquet":
        rows.write_parquet(target, compression="zstd")
    else:
        quoted = target.replace("'", "''")  # COPY takes no parameter for its file
        con.execute(f"copy (from rows) to '{quoted}' (format json, array true)")


def _show_table(rows: duckdb.DuckDBPyRelation, out: Path | None) -> None:
    if out:
        out.write_text(f"{rows}\n", encoding="utf-8")
        return
    width = shutil.get_terminal_size((160, 40)).columns if os.isatty(1) else 250
    table = io.StringIO()
    with contextlib.redirect_stdout(table):
        rows.show(max_rows=_ROWS_SHOWN, max_width=width)
    click.echo(harmless(table.getvalue()), nl=False)
