"""Databases in memory: a temporary warehouse, and queries that need no warehouse."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import duckdb

from warehouse.database.session import WRITER_SETTINGS, first_line, in_memory, prepare, quoted
from warehouse.database.writer import empty_file
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa


@contextlib.contextmanager
def scratch(spill_to: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory, for code that cannot use the real one.

    With a folder to spill to, it uses no more memory than a writer; data that does not fit is in files there meanwhile.
    """
    settings = WRITER_SETTINGS | {"temp_directory": str(spill_to)} if spill_to else None
    with contextlib.closing(in_memory(settings)) as con:
        _copy_empty(con)
        prepare(con)
        yield con


def _copy_empty(con: duckdb.DuckDBPyConnection) -> None:
    """Copy every table, view and macro from the cached empty warehouse, if there can be one.

    Otherwise `prepare` creates them, which takes ten times the CPU (0.3 s).
    """
    with contextlib.suppress(OSError, duckdb.Error):
        con.execute(f"attach {quoted(empty_file())} as empty (read_only)")
        con.execute("copy from database empty to memory")
        con.execute("detach empty")


class QueryError(WarehouseError):
    """DuckDB refuses a query, or fails while it runs; the message says why."""


class Rows:
    """The rows of a query as Arrow batches, converted only when they are read."""

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self._reader = reader
        self.schema: pa.Schema = reader.schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The batches; raises `QueryError` when DuckDB fails while the query runs."""
        try:
            yield from self._reader
        except OSError as error:  # Arrow converts errors of DuckDB to this
            raise QueryError(first_line(error)) from error


@contextlib.contextmanager
def query_in_memory(query: str, rows_per_batch: int = 50_000) -> Iterator[Rows]:
    """Run a query on the files that it names, or the databases that it attaches (preferably read-only).

    Raises:
        QueryError: when DuckDB refuses it.
    """
    try:
        query.encode()  # half of a surrogate pair would raise an error that is not DuckDB's
        with contextlib.closing(in_memory()) as con:
            if not con.extract_statements(query):
                raise QueryError("it is empty")
            yield Rows(con.execute(query).to_arrow_reader(rows_per_batch))
    except (duckdb.Error, UnicodeError) as error:
        raise QueryError(first_line(error)) from error
