"""Databases in memory: a warehouse that nobody keeps, and queries that need none."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import duckdb

from warehouse.database.session import WRITER_SETTINGS, first_line, in_memory, prepare
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa


@contextlib.contextmanager
def scratch(spill_to: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory, for what has to be known where the real one is not used.

    With a folder to spill to it takes no more memory than a writer; what does not fit is in files there, until it ends.
    """
    settings = WRITER_SETTINGS | {"temp_directory": str(spill_to)} if spill_to else None
    with contextlib.closing(in_memory(settings)) as con:
        prepare(con)
        yield con


class QueryError(WarehouseError):
    """Why DuckDB refuses a query, or fails on it."""


class Rows:
    """The rows of a query as Arrow, piece by piece: nothing is converted that nobody looks at."""

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self._reader = reader
        self.schema: pa.Schema = reader.schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Raises `QueryError` when DuckDB fails on the way."""
        try:
            yield from self._reader
        except OSError as error:  # Arrow passes on the errors of a batch's maker as this
            raise QueryError(first_line(error)) from error


@contextlib.contextmanager
def query_in_memory(query: str, rows_per_batch: int = 50_000) -> Iterator[Rows]:
    """A query on what it names itself: files, or databases that it attaches (preferably read-only).

    Raises:
        QueryError: when DuckDB refuses it.
    """
    try:
        query.encode()  # DuckDB's own error for half characters is none of its own
        with contextlib.closing(in_memory()) as con:
            if not con.extract_statements(query):
                raise QueryError("it is empty")
            yield Rows(con.execute(query).to_arrow_reader(rows_per_batch))
    except (duckdb.Error, UnicodeError) as error:
        raise QueryError(first_line(error)) from error
