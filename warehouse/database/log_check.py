"""Whether the log beside a warehouse file belongs to it: DuckDB replays any log, even into an older file from a backup.

Every load gives the warehouse a new state, which is a unique id, and records the transition as `log-of:before>after` in
the table `catalog_version`, and so in the log. A log belongs to a file if its first transition begins at the state of
the file. That is true regardless of how often DuckDB makes a checkpoint by itself.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import uuid
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.archive.atomic import UNFINISHED
from warehouse.database.dialect import dialect_of
from warehouse.errors import WarehouseDamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The state of a file without content.
_NOTHING: Final = "nothing"

#: Matches states only: the log of a new warehouse also contains the comment that explains them, `log-of:before>after`.
_STEP: Final = re.compile(rb"log-of:(nothing|[0-9a-f]{32})>([0-9a-f]{32})")

# Entries of DuckDB's log: their first field is the type, 100 for a commit and 99 for a checkpoint.
_COMMIT: Final = b"\x64\x00\x64\xff\xff"
_CHECKPOINT: Final = b"\x64\x00\x63\x65\x00"


def next_state(con: duckdb.DuckDBPyConnection) -> str:
    """The value that a transaction has to write into `catalog_version.state`."""
    return f"log-of:{_state(con)}>{uuid.uuid4().hex}"


def change_state(con: duckdb.DuckDBPyConnection) -> None:
    """Give the warehouse a new state, within the caller's transaction; does nothing on a lake, which has no log."""
    if dialect_of(con).has_log:
        con.execute("update catalog_version set state = ?", [next_state(con)])


def check_log(warehouse: Path) -> None:
    """Check the log of a file that no process has open, before DuckDB opens it.

    Raises:
        WarehouseDamagedError: when the log beside it belongs to another file, or to another state of this one.
    """
    log = warehouse.with_name(f"{warehouse.name}.wal")
    if not warehouse.exists() or not log.exists() or not log.stat().st_size:
        return
    with log.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(_COMMIT) < 0:
            return  # no entry would be replayed
        steps = _STEP.findall(content)
        is_checkpointed = content.find(_CHECKPOINT) >= 0
    with contextlib.suppress(duckdb.Error, OSError):  # if it cannot be opened, opening it to write reports that
        state = _state_without_log(warehouse).encode()
        begins, ends = (steps[0][0], steps[-1][1]) if steps else (None, None)
        if state == begins or (is_checkpointed and state == ends):  # DuckDB discards a log that the file already has
            return
        raise _foreign(warehouse, log)


def _state_without_log(warehouse: Path) -> str:
    """The state of the file without its log: it is opened by another name, which has no log beside it."""
    with _other_name(warehouse) as alone, duckdb.connect(alone, read_only=True) as con:
        return _state(con)


@contextlib.contextmanager
def _other_name(warehouse: Path) -> Iterator[Path]:
    alone = warehouse.with_name(f"{UNFINISHED}alone-{os.getpid()}-{warehouse.name}")
    alone.unlink(missing_ok=True)
    try:
        try:
            alone.hardlink_to(warehouse)
        except OSError:  # a file system without hard links
            alone.symlink_to(warehouse)
        yield alone
    finally:
        alone.unlink(missing_ok=True)


def _state(con: duckdb.DuckDBPyConnection) -> str:
    try:
        row = con.execute("select state from catalog_version").fetchone()
    except (duckdb.CatalogException, duckdb.BinderException):  # a new file, or one of an earlier version
        return _NOTHING
    return str(row[0]).rpartition(">")[2] if row and row[0] else _NOTHING


def _foreign(warehouse: Path, log: Path) -> WarehouseDamagedError:
    return WarehouseDamagedError(
        f"the warehouse {warehouse} cannot be used: {log.name} beside it is the log of another state of it, or of "
        "another file, as when one of the two comes from a backup. It is derived from the archive: run "
        "`avatar-tasks rebuild` to recreate it"
    )
