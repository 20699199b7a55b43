"""Rows of a query as the bytes of a file, piece by piece: DuckDB writes into a pipe, and we read from it.

So every format that DuckDB writes (CSV, JSON, Parquet) can be sent to an open descriptor, and neither the result nor
its text is ever completely in memory or on a disk.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

    import duckdb

FORMATS: Final = ("csv", "json", "ndjson", "parquet")

_PIECE_BYTES: Final = 1 << 16


class ResultPipe:
    """A pipe that DuckDB may write one result to, by a path.

    Attributes:
        path: the path that DuckDB opens.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self.path = f"/dev/fd/{self._write}"

    def close(self) -> None:
        """Close the descriptors that are still open."""
        for descriptor in (self._read, self._write):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._read = self._write = -1

    def pieces(self, con: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, kind: str) -> Generator[bytes]:
        """The rows in one of `FORMATS`. If the caller stops early, the query is interrupted.

        Raises:
            duckdb.Error: when the query fails while it runs.
        """
        failed: list[BaseException] = []
        writer = threading.Thread(target=self._fill, args=(rows, kind, failed))
        writer.start()
        finished = False
        try:
            while piece := os.read(self._read, _PIECE_BYTES):
                yield piece
            finished = True
        finally:
            if not finished:
                con.interrupt()
            os.close(self._read)  # so a writer that waits for a reader gets an error
            self._read = -1
            writer.join()
        if failed:
            raise failed[0]

    def _fill(self, rows: duckdb.DuckDBPyRelation, kind: str, failed: list[BaseException]) -> None:
        try:
            if kind == "csv":
                rows.write_csv(self.path, header=True)
            elif kind == "parquet":
                rows.write_parquet(self.path, compression="zstd")
            else:
                as_array = str(kind == "json").lower()
                rows.query("result", f"copy (from result) to '{self.path}' (format json, array {as_array})")
        except BaseException as error:  # noqa: BLE001 - it is raised where the pieces are read
            failed.append(error)
        finally:
            os.close(self._write)
            self._write = -1
