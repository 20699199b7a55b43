"""The only door to a DuckDB file: one writer at a time, readers on a published copy.

Two locks keep writers apart (see `locks`). Ours, a file beside the warehouse, lets one of our own processes in after
another and tells who is inside. DuckDB's own tells of everybody else, e.g. a notebook that has the file open.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.archive.atomic import UNFINISHED, sync_directory
from warehouse.database import schema as catalog
from warehouse.database.advisory_lock import wait_at_most
from warehouse.database.locks import (
    RETRY_SECONDS,
    file_holder,
    full,
    held,
    held_here,
    is_open_here,
    lock_path,
    sole_writer,
    who_holds,
)
from warehouse.database.log_check import check_log
from warehouse.database.memory_limit import limit_bytes, set_limit
from warehouse.ducklake.lake import attach
from warehouse.errors import NothingPublishedError, WarehouseDamagedError, WarehouseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from warehouse.ducklake.lake import Lake
    from warehouse.paths import DataPaths

__all__ = [
    "QueryError",
    "damaged",
    "lake_connection",
    "lake_writer",
    "lay_aside",
    "lock_path",
    "open_beside_published",
    "open_file",
    "open_lake",
    "open_published",
    "open_unlogged",
    "prepare",
    "query_in_memory",
    "reader",
    "scratch",
    "sole_writer",
    "who_holds",
    "writer",
]

_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "preserve_insertion_order": "false",
}

#: DuckDB would take four fifths of the machine's memory; what does not fit goes to the disk beside the warehouse. It
#: asks for 125 MB a thread, and one is enough beside the requests. With two, collecting 200,000 ids took a fourth more
#: than 20,000: a full row group takes more to bring into the file than a half-empty one.
_WRITER_MEMORY: Final = "128MB"
_WRITER_SETTINGS: Final = _SETTINGS | {"memory_limit": _WRITER_MEMORY, "threads": 1}

#: What stays of it between two steps.
_IDLE_MEMORY: Final = "24MB"

# What DuckDB says: it has no class of error for each. A word like "lock" alone will not do: it is in "block", too.
_LOCKED: Final = "Could not set lock on file"
_HOLDER: Final = re.compile(r"held in (.*?) \(PID (\d+)\)")
_NO_ROOM: Final = re.compile(r"No space left|Disk quota exceeded|File too large")
_CORRUPT: Final = re.compile(
    r"Corrupt database file|checksum|Could not read enough bytes|database has been invalidated"
)

_ATTEMPTS: Final = 10


@contextlib.contextmanager
def writer(warehouse: Path, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that may write, with every table and view in place; both locks are held until the block ends.

    Raises:
        WarehouseHeldError: when a lock does not come within `wait_seconds`; it names the holder.
        WarehouseDamagedError: when the file cannot be opened, or is of another version.
        WarehouseFullError: when the disk has no room.
    """
    deadline = time.monotonic() + wait_seconds
    with sole_writer(warehouse, wait_seconds), open_file(warehouse, deadline, wait_seconds) as con:
        prepare(con)
        yield con


@contextlib.contextmanager
def lake_writer(lake: Lake, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that may write to a lake, as any number of others may, with every table and view in place.

    Raises:
        WarehouseHeldError: when a turn to write does not come within `wait_seconds`.
        LakeError, ExtensionMissingError: when the lake cannot be reached.
    """
    with lake_connection(lake, wait_seconds) as con:
        prepare(con)
        yield con


@contextlib.contextmanager
def lake_connection(lake: Lake, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same with whatever tables and views stand there."""
    with contextlib.closing(duckdb.connect(":memory:", config=_SETTINGS)) as con:
        _set_up(con)
        wait_at_most(con, wait_seconds)
        attach(con, lake, read_only=False)
        yield con


@contextlib.contextmanager
def open_file(warehouse: Path, deadline: float, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a file that others may hold: tried again until `deadline` (monotonic seconds).

    Damage and a full disk may show at any statement; they leave the block as errors of this room. Temporary files go
    with the connection, those of a process that was killed, too.

    Raises:
        WarehouseHeldError: when somebody, or another connection of this process, still has the file then.
        WarehouseDamagedError: when it cannot be opened, or is damaged where the block reads.
        WarehouseFullError: when the disk has no room.
    """
    with _told_as_ours(warehouse), contextlib.ExitStack() as stack:
        con = _connect(warehouse, deadline, wait_seconds)
        stack.callback(shutil.rmtree, f"{warehouse}.tmp", ignore_errors=True)
        stack.enter_context(contextlib.closing(con))
        warehouse.chmod(0o600)
        yield con


def lay_aside(con: duckdb.DuckDBPyConnection) -> None:
    """Let a connection of `open_file` put into temporary files what it holds and does not use now.

    A step of 10,000 answers leaves some 90 MB, which a checkpoint writes later; the next step has need of the room.
    """
    usual = limit_bytes(con)
    with contextlib.suppress(duckdb.OutOfMemoryException):  # what cannot go stays
        con.execute(f"set memory_limit = '{_IDLE_MEMORY}'")
    set_limit(con, usual)


@contextlib.contextmanager
def open_unlogged(unfinished: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a new file in which nothing outlives a crash: without a log, which half of writing would be.

    What was changed stays in memory, and beyond its limit in temporary files beside the new one, until a checkpoint;
    the end of the block is one.

    Raises:
        WarehouseDamagedError, WarehouseFullError: as `open_file`.
    """
    settings = _WRITER_SETTINGS | {"temp_directory": f"{unfinished}.tmp"}  # by itself it would be where we were started
    with _told_as_ours(unfinished), contextlib.closing(duckdb.connect(":memory:", config=settings)) as con:
        quoted = str(unfinished).replace("'", "''")  # ATTACH takes no parameter for its file
        con.execute(f"attach '{quoted}' as beside (recovery_mode no_wal_writes)")
        unfinished.chmod(0o600)
        con.execute("use beside")
        con.execute("set checkpoint_threshold = '1TB'")  # by what is estimated of a log that is not written
        yield con
        con.execute("checkpoint")


@contextlib.contextmanager
def _told_as_ours(warehouse: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if _NO_ROOM.search(str(error)) or isinstance(error, duckdb.OutOfMemoryException):  # or of temporary files
            raise full(warehouse, _first_line(error)) from error
        if _CORRUPT.search(str(error)):
            raise damaged(warehouse, error) from error
        raise


def _connect(warehouse: Path, deadline: float, wait_seconds: float) -> duckdb.DuckDBPyConnection:
    while True:
        try:
            if not is_open_here(warehouse):
                _create_if_missing(warehouse)
                _check_log(warehouse)
                return duckdb.connect(warehouse, config=_WRITER_SETTINGS)
            in_the_way = held_here(warehouse, wait_seconds)
        except duckdb.Error as error:
            if _NO_ROOM.search(str(error)):
                raise
            if _LOCKED not in str(error):
                raise damaged(warehouse, error) from error
            in_the_way = held(warehouse, _foreign_holder(error), wait_seconds)
        if time.monotonic() >= deadline:
            raise in_the_way
        time.sleep(RETRY_SECONDS)


def _check_log(warehouse: Path) -> None:
    """Of a file that somebody else has open the log is theirs, and being written: DuckDB says who it is."""
    try:
        check_log(warehouse)
    except WarehouseDamagedError:
        if file_holder(warehouse) is None:
            raise


def _create_if_missing(warehouse: Path) -> None:
    """A new file gets its name when it is a database: killed while making one, DuckDB leaves what it then refuses.

    What a rebuild makes beside the live one is unfinished by its name, and made anew by the next one.
    """
    if warehouse.exists() or warehouse.name.startswith(UNFINISHED):
        return
    unfinished = warehouse.with_name(f"{UNFINISHED}new-{warehouse.name}")
    try:
        unfinished.unlink(missing_ok=True)
        duckdb.connect(unfinished).close()
        warehouse.with_name(f"{warehouse.name}.wal").unlink(missing_ok=True)
        unfinished.replace(warehouse)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_directory(warehouse.parent)


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Every table, view and macro in place, times in UTC.

    Raises:
        WarehouseOutdatedError: when a table of another version stands there.
    """
    _set_up(con)
    catalog.bring_up_to_date(con)


@contextlib.contextmanager
def reader(paths: DataPaths) -> Iterator[duckdb.DuckDBPyConnection]:
    """What readers open, read-only, the published copy or the lake: never in the way of a writer, nor one in its way.

    Raises:
        NothingPublishedError: when nothing has been published yet.
        LakeError, ExtensionMissingError: when the lake cannot be reached.
    """
    with contextlib.closing(open_lake(paths.lake) if paths.lake else open_published(paths)) as con:
        yield con


def open_lake(lake: Lake) -> duckdb.DuckDBPyConnection:
    """A read-only connection to a lake; each query sees what is loaded when it begins.

    Raises:
        NothingPublishedError: when there is no lake yet.
        LakeError, ExtensionMissingError: when it cannot be reached.
    """
    con = duckdb.connect(":memory:", config=_SETTINGS)
    try:
        _set_up(con)
        attach(con, lake, read_only=True)
    except BaseException:
        con.close()
        raise
    return con


def open_published(paths: DataPaths) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the newest published copy, also where this process has an older one open.

    DuckDB gives a process that opens a path again the database it has open under that path, even where the file was
    replaced since (duckdb issue 15912). So each copy is opened under a name of its own, if it has one.

    Raises:
        NothingPublishedError: when nothing has been published yet.
        WarehouseError: when the published copy cannot be opened.
    """
    return _open_newest(paths, lambda version: duckdb.connect(version, read_only=True, config=_SETTINGS))


def open_beside_published(paths: DataPaths) -> duckdb.DuckDBPyConnection:
    """A database of its own in memory, with the newest published copy in it as `published`, read-only.

    For readers that want views of their own beside those of the warehouse: nothing of it outlives the connection.

    Raises:
        NothingPublishedError, WarehouseError: as `open_published`.
    """
    return _open_newest(paths, _attached)


def _attached(version: Path) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(":memory:", config=_SETTINGS)
    quoted = str(version).replace("'", "''")  # ATTACH takes no parameter for its file
    try:
        con.execute(f"attach '{quoted}' as published (read_only)")
    except duckdb.Error:
        con.close()
        raise
    return con


def _open_newest(
    paths: DataPaths, open_version: Callable[[Path], duckdb.DuckDBPyConnection]
) -> duckdb.DuckDBPyConnection:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            version = paths.published_version()
            con = open_version(version)
        except FileNotFoundError:
            raise _nothing_published(paths) from None
        except duckdb.Error as error:
            if attempt < _ATTEMPTS and not version.exists():
                continue  # a newer copy has taken its place meanwhile
            msg = f"{paths.published} cannot be opened ({_first_line(error)}): run `avatar-tasks publish`"
            raise WarehouseError(msg) from error
        _set_up(con)
        return con
    raise AssertionError


def _set_up(con: duckdb.DuckDBPyConnection) -> None:
    """Times in UTC, and no progress bar: DuckDB draws it on stdout, in the middle of somebody's JSON."""
    con.execute("set timezone = 'UTC'")
    con.execute("set enable_progress_bar = false")


@contextlib.contextmanager
def scratch(spill_to: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory, for what has to be known where the real one is not used.

    With a folder to spill to it takes no more memory than a writer; what does not fit is in files there, until it ends.
    """
    settings = _WRITER_SETTINGS | {"temp_directory": str(spill_to)} if spill_to else _SETTINGS
    with contextlib.closing(duckdb.connect(":memory:", config=settings)) as con:
        prepare(con)
        yield con


class QueryError(WarehouseError):
    """What DuckDB has against a query."""


class Rows:
    """The rows of a query as Arrow, piece by piece: nothing is converted that nobody looks at."""

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self._reader = reader
        self.schema: pa.Schema = reader.schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Raises `QueryError` when DuckDB fails on the way."""
        try:
            yield from self._reader
        except OSError as error:  # as which Arrow hands on the errors of whoever makes its batches
            raise QueryError(_first_line(error)) from error


@contextlib.contextmanager
def query_in_memory(query: str, rows_per_batch: int = 50_000) -> Iterator[Rows]:
    """A query on whatever it names itself: files, or databases that it attaches (read-only, if it is wise).

    Raises:
        QueryError: when DuckDB does not take it.
    """
    try:
        query.encode()  # DuckDB's own error for half characters is none of its own
        with contextlib.closing(duckdb.connect(":memory:", config=_SETTINGS)) as con:
            _set_up(con)
            if not con.extract_statements(query):
                raise QueryError("it is empty")
            yield Rows(con.execute(query).to_arrow_reader(rows_per_batch))
    except (duckdb.Error, UnicodeError) as error:
        raise QueryError(_first_line(error)) from error


def _foreign_holder(error: duckdb.Error) -> str:
    found = _HOLDER.search(str(error))
    return f"process {found[2]} ({found[1]})" if found else "another process"


def _nothing_published(paths: DataPaths) -> NothingPublishedError:
    return NothingPublishedError(
        f"nothing is published at {paths.published} yet: run `avatar-tasks collect` (or `avatar-tasks demo`) first"
    )


def damaged(warehouse: Path, error: duckdb.Error) -> WarehouseDamagedError:
    """The error that says what is wrong with the file and what to do."""
    return WarehouseDamagedError(
        f"the warehouse {warehouse} cannot be used ({_first_line(error)}). It is derived from the archive: "
        "run `avatar-tasks rebuild` to make it anew"
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
