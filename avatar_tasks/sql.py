"""`sql`: one query on the published warehouse, in the form people want it."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from typing import TYPE_CHECKING, Final

import duckdb

from avatar_tasks.sql_output import format_for, sink_to
from pipeline.errors import UnusableInputError
from warehouse.backends.choose import warehouse_of
from warehouse.database.sealed import FilesRefusedError, refusal
from warehouse.database.streaming import ResultPipe

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from warehouse.paths import DataPaths

_ROWS_SHOWN: Final = 100


def run_query(paths: DataPaths, query: str, kind: str | None, out: Path | None, *, allow_files: bool = False) -> None:
    """Run `query` and show its rows. Who reads our stdout may go at any time; the query ends then.

    Args:
        paths: the data directory.
        query: SQL that DuckDB takes.
        kind: table, csv, json, ndjson or parquet; None for what the suffix of `out` says, else a table.
        out: a file instead of stdout.
        allow_files: whether it may do more than read the warehouse: files, other databases, extensions, settings.

    Raises:
        NothingPublishedError: when nothing has been published yet.
        UnusableInputError: when the query or the file cannot be used.
    """
    kind = format_for(kind, out)
    with contextlib.suppress(BrokenPipeError), _errors_as_ours(out), contextlib.ExitStack() as stack:
        sink = stack.enter_context(sink_to(out))
        pipe = stack.enter_context(contextlib.closing(ResultPipe()))
        warehouse = warehouse_of(paths)
        con = stack.enter_context(contextlib.closing(warehouse.connect()))
        if not allow_files:
            warehouse.restrict(con, [pipe.path], query)
        rows = _result(con, query)
        if rows is None:
            _check_no_file_is_expected(out)
            return
        pieces = pipe.pieces(con, rows, kind) if kind != "table" else _table(rows, out)
        with contextlib.closing(pieces):
            for piece in pieces:
                sink(piece)


@contextlib.contextmanager
def _errors_as_ours(out: Path | None) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        msg = f"the query failed: {error}"
        raise UnusableInputError(str(refusal(error) or msg)) from error
    except FilesRefusedError as error:
        raise UnusableInputError(str(error)) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        msg = f"cannot write {out or 'to stdout'}: {error.strerror or error}"
        raise UnusableInputError(msg) from error


def _result(con: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyRelation | None:
    return con.sql(query)  # nothing of a statement without a result, whatever its type says


def _check_no_file_is_expected(out: Path | None) -> None:
    if out:
        msg = f"the query has no result: nothing was written to {out}"
        raise UnusableInputError(msg)


def _table(rows: duckdb.DuckDBPyRelation, out: Path | None) -> Generator[bytes]:
    if out:
        yield f"{rows}\n".encode()
        return
    width = shutil.get_terminal_size((160, 40)).columns if os.isatty(1) else 250
    table = io.StringIO()
    with contextlib.redirect_stdout(table):
        rows.show(max_rows=_ROWS_SHOWN, max_width=width)
    yield table.getvalue().encode()
