"""A warehouse file opened to write, by one process at a time.

Two locks keep writers apart (see `locks`). Ours, on a file beside the warehouse, serializes our own processes and names
the holder. DuckDB's own excludes all other programs, e.g. a notebook that has the file open.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.archive.atomic import UNFINISHED, replace_atomically, sync_directory
from warehouse.database import schema
from warehouse.database.locks import (
    RETRY_SECONDS,
    disk_full_error,
    file_holder,
    is_open_here,
    locked_error,
    locked_here_error,
    memory_error,
    sole_writer,
)
from warehouse.database.log_check import change_state, check_log
from warehouse.database.memory_limit import limit_bytes, set_limit
from warehouse.database.session import WRITER_SETTINGS, first_line, prepare, quoted
from warehouse.errors import WarehouseDamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The memory limit of a writer while it spills between two steps.
_IDLE_MEMORY: Final = "24MB"

# DuckDB's messages, because it has no error class for each case. A word such as "lock" is not enough: "block" has it.
_LOCKED: Final = "Could not set lock on file"
_HOLDER: Final = re.compile(r"held in (.*?) \(PID (\d+)\)")
_NO_ROOM: Final = re.compile(r"No space left|Disk quota exceeded|File too large")
_NO_MEMORY: Final = re.compile(r"failed to (?:pin block|allocate data)|could not allocate block")
_CORRUPT: Final = re.compile(
    r"Corrupt database file|checksum|Could not read enough bytes|database has been invalidated"
)


@contextlib.contextmanager
def open_writer(warehouse: Path, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that may write, with every table and view in place; both locks are held until the block ends.

    Raises:
        WarehouseLockedError: when a lock is not obtained within `wait_seconds`; the message names the holder.
        WarehouseDamagedError: when the file cannot be opened, or is of another version.
        WarehouseFullError: when the disk is full.
    """
    deadline = time.monotonic() + wait_seconds
    with sole_writer(warehouse, wait_seconds), open_file(warehouse, deadline, wait_seconds) as con:
        prepare(con)
        yield con


@contextlib.contextmanager
def open_file(
    warehouse: Path, deadline: float, wait_seconds: float, group_rows: int | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a file that others may have locked: tried again until `deadline` (monotonic seconds).

    New rows are compressed `group_rows` at a time, by default as many as DuckDB does. Any statement may find damage or
    a full disk; the block then ends with an error of `warehouse.errors`. Temporary files, even those of a process that
    was killed, are removed when the connection is closed.

    Raises:
        WarehouseLockedError: when another process, or another connection of this one, still has it open by then.
        WarehouseDamagedError: when it cannot be opened, or is damaged where the block reads.
        WarehouseFullError: when the disk is full.
    """
    with _as_warehouse_errors(warehouse), contextlib.ExitStack() as stack:
        con = _connect(warehouse, deadline, wait_seconds, group_rows)
        stack.callback(shutil.rmtree, f"{warehouse}.tmp", ignore_errors=True)
        stack.enter_context(contextlib.closing(con))
        warehouse.chmod(0o600)
        yield con


def spill(con: duckdb.DuckDBPyConnection) -> None:
    """Let a connection of `open_file` spill data that it does not use now to temporary files.

    A step of 10,000 answers leaves some 90 MB, which a later checkpoint writes; the next step needs that memory.
    """
    usual = limit_bytes(con)
    with contextlib.suppress(duckdb.OutOfMemoryException):  # what cannot be spilled stays in memory
        con.execute(f"set memory_limit = '{_IDLE_MEMORY}'")
    set_limit(con, usual)


@contextlib.contextmanager
def open_unlogged(
    unfinished: Path, checkpoint_threads: int = 1, group_rows: int | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection without a log to a new file, or one that it created before; a crash loses everything.

    A log would be half of all that is written. Until the checkpoint at the end of the block, changes stay in memory,
    and beyond its limit in temporary files beside the new file. The checkpoint compresses them, in as many threads as
    given, and `group_rows` of them at a time, by default as many as DuckDB does.

    Raises:
        WarehouseDamagedError, WarehouseFullError: as `open_file`.
    """
    settings = WRITER_SETTINGS | {"temp_directory": f"{unfinished}.tmp"}  # by default in the working folder
    with _as_warehouse_errors(unfinished), contextlib.ExitStack() as stack:
        if not unfinished.exists():
            _begin_file(unfinished)
        con = stack.enter_context(contextlib.closing(duckdb.connect(":memory:", config=settings)))
        groups = f", row_group_size {group_rows}" if group_rows else ""
        con.execute(f"attach {quoted(unfinished)} as beside (recovery_mode no_wal_writes{groups})")
        unfinished.chmod(0o600)
        con.execute("use beside")
        con.execute("set checkpoint_threshold = '1TB'")  # it counts the estimated size of a log, which is not written
        yield con
        con.execute(f"set threads = {checkpoint_threads}")
        con.execute("checkpoint")


@contextlib.contextmanager
def _as_warehouse_errors(warehouse: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if _NO_ROOM.search(str(error)):
            raise disk_full_error(warehouse, first_line(error)) from error
        if isinstance(error, duckdb.OutOfMemoryException) or _NO_MEMORY.search(str(error)):
            raise memory_error(warehouse, first_line(error)) from error
        if _CORRUPT.search(str(error)):
            raise damaged_error(warehouse, error) from error
        raise


def _connect(
    warehouse: Path, deadline: float, wait_seconds: float, group_rows: int | None
) -> duckdb.DuckDBPyConnection:
    while True:
        try:
            if not is_open_here(warehouse):
                _create_if_missing(warehouse)
                _check_log(warehouse)
                return _connected(warehouse, group_rows)
            in_the_way = locked_here_error(warehouse, wait_seconds)
        except duckdb.Error as error:
            if _NO_ROOM.search(str(error)):
                raise
            if _LOCKED not in str(error):
                raise damaged_error(warehouse, error) from error
            in_the_way = locked_error(warehouse, _foreign_holder(error), wait_seconds)
        if time.monotonic() >= deadline:
            raise in_the_way
        time.sleep(RETRY_SECONDS)


def _connected(warehouse: Path, group_rows: int | None) -> duckdb.DuckDBPyConnection:
    """DuckDB takes `group_rows` only for a file that is attached, and does not keep it in the file."""
    if group_rows is None:
        return duckdb.connect(warehouse, config=WRITER_SETTINGS)
    con = duckdb.connect(":memory:", config=WRITER_SETTINGS | {"temp_directory": f"{warehouse}.tmp"})
    try:
        con.execute(f"attach {quoted(warehouse)} as warehouse (row_group_size {group_rows})")
        con.execute("use warehouse")
    except duckdb.Error:
        con.close()
        raise
    return con


def _check_log(warehouse: Path) -> None:
    """Check the log, unless another process has the file open and writes the log: then DuckDB reports that process."""
    try:
        check_log(warehouse)
    except WarehouseDamagedError:
        if file_holder(warehouse) is None:
            raise


def _create_if_missing(warehouse: Path) -> None:
    """Create a new file by another name: DuckDB, killed while it creates one, leaves a file that it then cannot open.

    The file that a rebuild creates beside the live one needs no such care: the next rebuild recreates it.
    """
    if warehouse.exists() or warehouse.name.startswith(UNFINISHED):
        return
    unfinished = warehouse.with_name(f"{UNFINISHED}new-{warehouse.name}")
    try:
        _remove(unfinished)
        _begin_file(unfinished)
        warehouse.with_name(f"{warehouse.name}.wal").unlink(missing_ok=True)
        unfinished.replace(warehouse)
    finally:
        _remove(unfinished)
    sync_directory(warehouse.parent)


def _remove(unfinished: Path) -> None:
    for part in (unfinished, unfinished.with_name(f"{unfinished.name}.wal")):
        part.unlink(missing_ok=True)


def _begin_file(new: Path) -> None:
    """Make `new` a database, with every table, view and macro if there is an empty warehouse to copy."""
    try:
        shutil.copyfile(empty_file(), new)
        is_copy = True
    except (OSError, duckdb.Error):  # it cannot be cached, or the disk is full, which DuckDB reports itself
        new.unlink(missing_ok=True)
        is_copy = False
    with contextlib.closing(duckdb.connect(new)) as con:
        if is_copy:
            change_state(con)  # so that no two warehouses have the same state


def empty_file() -> Path:
    """An empty warehouse, created when it is first needed, and cached beside Python's compiled modules.

    Binding 80 views and macros takes 0.2 s of CPU, copying them 0.01 s.

    Raises:
        OSError: when it cannot be cached.
    """
    cache = schema.PACKAGE / "__pycache__"
    kept = cache / f"empty-{schema.fingerprint()}-{duckdb.__version__}.duckdb"
    if not kept.exists():
        cache.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            made = Path(folder, kept.name)
            with contextlib.closing(duckdb.connect(made, config=WRITER_SETTINGS)) as con:
                prepare(con)
            replace_atomically(kept, lambda unfinished: shutil.copyfile(made, unfinished))
        kept.chmod(0o644)
        for other in set(cache.glob("empty-*")) - {kept}:
            other.unlink(missing_ok=True)
    return kept


def _foreign_holder(error: duckdb.Error) -> str:
    found = _HOLDER.search(str(error))
    return f"process {found[2]} ({found[1]})" if found else "another process"


def damaged_error(warehouse: Path, error: duckdb.Error) -> WarehouseDamagedError:
    """The error that says what is wrong with the file and what to do."""
    return WarehouseDamagedError(
        f"the warehouse {warehouse} cannot be used ({first_line(error)}). It is derived from the archive: "
        "run `avatar-tasks rebuild` to recreate it"
    )
