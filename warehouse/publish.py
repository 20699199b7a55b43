"""A read-only copy for readers, replaced in one step: who holds the old one keeps it, who comes gets the new."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.connection import open_file, prepare, sole_writer
from warehouse.durable import UNFINISHED, replace_whole
from warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from pathlib import Path

    from warehouse.paths import DataPaths

_ATTEMPTS: Final = 3


def publish(paths: DataPaths, wait_seconds: float) -> Path:
    """Publish the warehouse as it stands; returns the published file.

    Raises:
        WarehouseHeldError: when the warehouse's lock does not come within `wait_seconds`.
        WarehouseDamagedError: when it cannot be opened.
    """
    deadline = time.monotonic() + wait_seconds
    with sole_writer(paths.warehouse, wait_seconds):
        with open_file(paths.warehouse, deadline, wait_seconds) as con:
            prepare(con)
            con.execute("checkpoint")
        publish_closed(paths)
    return paths.published


def publish_closed(paths: DataPaths) -> None:
    """Copy a warehouse that this process has closed; the caller holds `sole_writer`.

    The file is copied as it is, for that is as fast as the disk. Somebody else could open and change it meanwhile, so
    the copy counts only when the original did not change under it and when it opens.

    Raises:
        WarehouseError: when somebody keeps changing the warehouse.
    """
    _clear_unfinished(paths.published.parent)
    for _ in range(_ATTEMPTS):
        before = _fingerprint(paths.warehouse)
        replace_whole(paths.published, lambda target: _copy(paths.warehouse, target))
        if _fingerprint(paths.warehouse) == before:
            return
    msg = f"{paths.warehouse} is being changed by somebody else: close it there and run `avatar-tasks publish`"
    raise WarehouseError(msg)


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o600)
    with duckdb.connect(target, read_only=True) as con:
        con.execute("select count(*) from segments").fetchall()


def _fingerprint(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _clear_unfinished(folder: Path) -> None:
    for leftover in folder.glob(f"{UNFINISHED}*"):
        leftover.unlink(missing_ok=True)
