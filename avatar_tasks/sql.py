"""`sql`: run one query on the published warehouse and write its result in the format wanted."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import duckdb

from avatar_tasks.sql_output import format_for, sink_to
from avatar_tasks.sql_text import as_lines, as_table
from avatar_tasks.sql_waiting import at_most, spinner
from pipeline.errors import UnusableInputError
from warehouse.backends.choose import warehouse_of
from warehouse.database.sealed import FilesRefusedError, refusal
from warehouse.database.streaming import ResultPipe

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from warehouse.paths import DataPaths

#: Kinds of statements whose rows are shown.
_WITH_ROWS: Final = frozenset({"SELECT", "EXPLAIN"})


def run_query(
    paths: DataPaths,
    query: str,
    kind: str | None,
    out: Path | None,
    *,
    allow_files: bool = False,
    timeout: float | None = None,
) -> None:
    """Run `query` and show its rows. If the reader of stdout closes the pipe, the query ends.

    Args:
        paths: the data directory.
        query: SQL for DuckDB.
        kind: table, line, csv, json, ndjson or parquet; if None, by the suffix of `out`, or else a table.
        out: a file instead of stdout.
        timeout: seconds after which the query is stopped; None for no limit.
        allow_files: whether it may do more than read the warehouse: files, other databases, extensions, settings.

    Raises:
        NothingPublishedError: when nothing has been published yet.
        UnusableInputError: when the query or the file cannot be used.
    """
    kind = format_for(kind, out)
    with contextlib.suppress(BrokenPipeError), _as_unusable_input(out), contextlib.ExitStack() as stack:
        sink = stack.enter_context(sink_to(out))
        pipe = stack.enter_context(contextlib.closing(ResultPipe()))
        con = stack.enter_context(_connected(paths, query, pipe, allow_files=allow_files))
        clear_spinner = stack.enter_context(spinner())
        with at_most(timeout, con):
            rows = _checked_result(con, query)
            if rows is None:
                _check_no_file_is_expected(out)
                return
            with contextlib.closing(_pieces(con, rows, kind, out, pipe)) as pieces:
                for piece in pieces:
                    clear_spinner()
                    sink(piece)


@contextlib.contextmanager
def _connected(
    paths: DataPaths, query: str, pipe: ResultPipe, *, allow_files: bool
) -> Iterator[duckdb.DuckDBPyConnection]:
    warehouse = warehouse_of(paths)
    with contextlib.closing(warehouse.connect()) as con:
        if not allow_files:
            warehouse.restrict(con, [pipe.path], query)
        yield con


def _checked_result(con: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyRelation | None:
    kinds = [statement.type.name for statement in con.extract_statements(query)]
    _check_count(kinds)
    rows = _result(con, query)
    _check_last(kinds)
    return rows


def _pieces(
    con: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, kind: str, out: Path | None, pipe: ResultPipe
) -> Generator[bytes]:
    if kind == "table":
        return as_table(rows, out)
    return as_lines(rows) if kind == "line" else pipe.pieces(con, rows, kind)


def _check_count(kinds: Sequence[str]) -> None:
    """Check that there is a statement, and at most one result, because only one can be shown.

    Raises:
        UnusableInputError: when there is no statement, or more than one with rows.
    """
    if not kinds:
        msg = 'the query is empty: give SQL, e.g. "from task_latency limit 10"'
        raise UnusableInputError(msg)
    if (number := sum(kind in _WITH_ROWS for kind in kinds)) > 1:
        msg = f"{number} statements have a result and only one can be shown: run each in a separate command"
        raise UnusableInputError(msg)


def _check_last(kinds: Sequence[str]) -> None:
    """Raises UnusableInputError when the statement with a result is followed by another, which would hide it."""
    if any(kind in _WITH_ROWS for kind in kinds[:-1]):
        msg = "the statement with a result has to be the last one, or its result would not be shown"
        raise UnusableInputError(msg)


@contextlib.contextmanager
def _as_unusable_input(out: Path | None) -> Iterator[None]:
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
    return con.sql(query)  # None for a statement without a result, whatever its type


def _check_no_file_is_expected(out: Path | None) -> None:
    if out:
        msg = f"the query has no result: nothing was written to {out}"
        raise UnusableInputError(msg)
