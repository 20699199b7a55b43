"""The only door to a DuckDB file: one writer at a time, readers on a published copy.

Two locks keep writers apart. Ours, a file beside the warehouse, lets one of our own processes in after another and
tells who is inside. DuckDB's own tells of everybody else, e.g. a notebook that has the file open.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import sys
import time
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse import catalog
from warehouse.durable import make_directory
from warehouse.errors import NothingPublishedError, WarehouseDamagedError, WarehouseError, WarehouseHeldError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warehouse.paths import DataPaths

_RETRY_SECONDS: Final = 0.1
_HOLDER: Final = re.compile(r"held in (.*?) \(PID (\d+)\)")
_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "preserve_insertion_order": "false",
}


def lock_path(warehouse: Path) -> Path:
    return warehouse.with_name(f"{warehouse.name}.lock")


@contextlib.contextmanager
def sole_writer(warehouse: Path, wait_seconds: float) -> Iterator[None]:
    """Our own lock on a warehouse file, held by one process at a time.

    Raises:
        WarehouseHeldError: when it does not come within `wait_seconds`.
    """
    make_directory(warehouse.parent)
    path = lock_path(warehouse)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as file:
        deadline = time.monotonic() + wait_seconds
        while not _try_lock(file.fileno()):
            if time.monotonic() >= deadline:
                raise WarehouseHeldError(_held(warehouse, _our_holder(path), wait_seconds))
            time.sleep(_RETRY_SECONDS)
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "command": " ".join(sys.argv[:2])}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


@contextlib.contextmanager
def writer(warehouse: Path, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that may write, with every table and view in place; both locks are held until the block ends.

    Raises:
        WarehouseHeldError: when a lock does not come within `wait_seconds`; it names the holder.
        WarehouseDamagedError: when the file cannot be opened.
    """
    deadline = time.monotonic() + wait_seconds
    with sole_writer(warehouse, wait_seconds), open_file(warehouse, deadline, wait_seconds) as con:
        prepare(con)
        yield con


@contextlib.contextmanager
def open_file(warehouse: Path, deadline: float, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a file that others may hold: tried again until `deadline` (monotonic seconds)."""
    while True:
        try:
            con = duckdb.connect(warehouse, config=_SETTINGS)
            break
        except duckdb.IOException as error:
            if "lock" not in str(error):
                raise _damaged(warehouse, error) from error
            if time.monotonic() >= deadline:
                raise WarehouseHeldError(_held(warehouse, _foreign_holder(error), wait_seconds)) from error
            time.sleep(_RETRY_SECONDS)
        except duckdb.Error as error:
            raise _damaged(warehouse, error) from error
    with contextlib.closing(con):
        warehouse.chmod(0o600)
        yield con


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Every table, view and macro in place, times in UTC."""
    con.execute("set timezone = 'UTC'")
    catalog.create_tables(con)
    catalog.create_views(con)


@contextlib.contextmanager
def reader(paths: DataPaths) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse, read-only: never in the way of the writer, nor the writer in its way.

    Raises:
        NothingPublishedError: when nothing has been published yet.
    """
    if not paths.published.exists():
        msg = (
            f"nothing is published at {paths.published} yet: run `avatar-tasks collect` (or `avatar-tasks demo`) first"
        )
        raise NothingPublishedError(msg)
    try:
        con = duckdb.connect(paths.published, read_only=True, config=_SETTINGS)
    except duckdb.Error as error:
        msg = f"{paths.published} cannot be opened ({_first_line(error)}): run `avatar-tasks publish`"
        raise WarehouseError(msg) from error
    with contextlib.closing(con):
        con.execute("set timezone = 'UTC'")
        yield con


@contextlib.contextmanager
def scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory, for what has to be known while the real one is held."""
    with contextlib.closing(duckdb.connect(":memory:", config=_SETTINGS)) as con:
        prepare(con)
        yield con


def who_holds(warehouse: Path) -> str | None:
    """Who holds the warehouse now, in words; None when nobody does. Takes no lock for longer than it looks."""
    if not warehouse.exists():
        return None
    try:
        with sole_writer(warehouse, 0), open_file(warehouse, 0, 0):
            return None
    except WarehouseHeldError as error:
        return str(error).partition(" is held by ")[2].partition(":")[0] or "another process"
    except OSError:
        return None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _our_holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"process {holder['pid']} ({holder['command']})"
    except (OSError, ValueError, KeyError):
        return "another avatar-tasks process"


def _foreign_holder(error: duckdb.Error) -> str:
    found = _HOLDER.search(str(error))
    return f"process {found[2]} ({found[1]})" if found else "another process"


def _held(warehouse: Path, holder: str, waited: float) -> str:
    return (
        f"the warehouse {warehouse} is held by {holder}: waited {waited:g} s. Nothing is lost: everything collected is "
        "in the archive, and the next run loads it. Close what holds it, or let it read published/current.duckdb"
    )


def _damaged(warehouse: Path, error: duckdb.Error) -> WarehouseDamagedError:
    return WarehouseDamagedError(
        f"the warehouse {warehouse} cannot be opened ({_first_line(error)}). It is derived from the archive: "
        "run `avatar-tasks rebuild` to make it anew"
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
