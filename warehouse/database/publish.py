"""A read-only copy for readers, replaced in one step: readers that have the old one open keep it, others get the new.

While it is the newest, a copy also has a unique name, a hard link beside `current.duckdb`: by that name a process can
open it even if it still has an older one open (see `reader.open_published`).
"""

from __future__ import annotations

import contextlib
import shutil
import time
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.archive.atomic import UNFINISHED, replace_atomically
from warehouse.database.locks import is_open_here, locked_here_error, sole_writer
from warehouse.database.session import prepare
from warehouse.database.writer import damaged_error, open_file
from warehouse.errors import WarehouseError
from warehouse.sharing import share, share_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from warehouse.paths import DataPaths

_ATTEMPTS: Final = 3


def publish(paths: DataPaths, wait_seconds: float) -> Path:
    """Publish a warehouse file as it is; returns the published file.

    Raises:
        WarehouseLockedError: when the warehouse's lock is not obtained within `wait_seconds`.
        WarehouseDamagedError: when it cannot be opened, or is of another version.
        WarehouseFullError: when the disk is full.
    """
    deadline = time.monotonic() + wait_seconds
    with sole_writer(paths.warehouse, wait_seconds):
        with open_file(paths.warehouse, deadline, wait_seconds) as con:
            prepare(con)
        publish_closed(paths)
    return paths.published


def publish_closed(paths: DataPaths) -> None:
    """Copy a warehouse that this process has closed; the caller holds `sole_writer`.

    DuckDB writes its log into the file when it closes it, and reports no error if that fails: so if there still is a
    log, it is written first, and an error is raised here.

    The file is copied byte by byte, because that is as fast as the disk. Another process could open and change it
    meanwhile, so the copy is published only if the original did not change and the copy can be opened. A connection of
    this process would lose its lock by the copying, so there must be none.

    Raises:
        WarehouseLockedError: when another connection of this process has the warehouse open.
        WarehouseDamagedError: when the copy cannot be opened.
        WarehouseFullError: when the disk is full.
        WarehouseError: when another process keeps changing the warehouse.
    """
    if is_open_here(paths.warehouse):
        raise locked_here_error(paths.warehouse, 0)
    if paths.warehouse.with_name(f"{paths.warehouse.name}.wal").exists():
        with open_file(paths.warehouse, time.monotonic(), 0) as con:
            con.execute("checkpoint")
    put_in_place(paths, lambda target: _copy_unchanged(paths.warehouse, target))


def put_in_place(paths: DataPaths, fill: Callable[[Path], None]) -> None:
    """Let `fill` write a copy, check that it can be opened, and publish it in one step.

    Raises:
        WarehouseDamagedError: when the copy cannot be opened.
        SharingError: when it cannot be shared.
    """
    folder = paths.published.parent
    _clear(folder, f"{UNFINISHED}*")
    replace_atomically(paths.published, lambda target: _fill(paths, target, fill))
    if paths.is_shared:
        share_folder(folder, paths.root)
    _clear(folder, ".version-*", keep=paths.published_version())


def _fill(paths: DataPaths, target: Path, fill: Callable[[Path], None]) -> None:
    fill(target)
    target.chmod(0o600)
    if paths.is_shared:
        share(target, paths.root)
    try:
        with duckdb.connect(target, read_only=True) as con:
            con.execute("select count(*) from segments").fetchall()
    except duckdb.Error as error:
        raise damaged_error(paths.warehouse, error) from error
    with contextlib.suppress(OSError):  # a file system without hard links: readers open the shared name
        paths.version_of(target).hardlink_to(target)


def _copy_unchanged(source: Path, target: Path) -> None:
    for _ in range(_ATTEMPTS):
        before = _fingerprint(source)
        shutil.copyfile(source, target)
        if _fingerprint(source) == before:
            return
    msg = f"another program keeps changing {source}: close that program and run `avatar-tasks publish`"
    raise WarehouseError(msg)


def _fingerprint(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _clear(folder: Path, pattern: str, keep: Path | None = None) -> None:
    for leftover in folder.glob(pattern):
        if leftover != keep:
            leftover.unlink(missing_ok=True)
