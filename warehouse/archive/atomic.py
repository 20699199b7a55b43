"""Files that exist complete or not at all, by default readable for their owner only.

The writer of a file holds a lock on it until it gets its final name. So an unfinished file that is not locked belongs
to a process that has ended, in this container or another, and `clear_unfinished` may remove it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Names of files being written begin with this; code that looks for finished files ignores them.
UNFINISHED = ".unfinished-"

_OWNER_ONLY = 0o600


def make_directory(path: Path) -> None:
    """Create `path` and its parents for the owner only, each entry synced into its parent.

    Raises:
        OSError: when one cannot be created.
    """
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Sync a directory, so that the names in it survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_write(path: Path, *, mode: int = _OWNER_ONLY) -> Iterator[BinaryIO]:
    """A file to write to, which gets its name only when all content is on the disk; removed if the block fails.

    The order guarantees that: content, fsync, rename, fsync of the directory. `mode` is the mode of the file.

    Raises:
        OSError: when it cannot be written.
    """
    with _unfinished(path) as (unfinished, descriptor), os.fdopen(descriptor, "wb", closefd=False) as file:
        os.fchmod(descriptor, mode)
        yield file
        file.flush()
        os.fsync(descriptor)
        unfinished.replace(path)
        sync_directory(path.parent)


def replace_atomically(path: Path, fill: Callable[[Path], object]) -> None:
    """Let `fill` write a file by name, then replace `path` with it, in the same order as `atomic_write`."""
    with _unfinished(path) as (unfinished, descriptor):
        fill(unfinished)
        os.fsync(descriptor)
        unfinished.replace(path)
        sync_directory(path.parent)


def clear_unfinished(folder: Path) -> int:
    """Remove unfinished files of writers that have ended, in `folder` and below; returns how many files."""
    return sum(_clear_if_abandoned(path) for path in folder.rglob(f"{UNFINISHED}*"))


@contextlib.contextmanager
def _unfinished(path: Path) -> Iterator[tuple[Path, int]]:
    """A file beside `path`, and a descriptor that locks it; removed when the block ends, unless it was renamed."""
    make_directory(path.parent)
    unfinished = path.with_name(f"{UNFINISHED}{os.getpid()}-{path.name}")
    descriptor = _open_locked(unfinished)
    try:
        yield unfinished, descriptor
    finally:
        os.close(descriptor)
        unfinished.unlink(missing_ok=True)


def _open_locked(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # another process removed it as abandoned between open and lock


def _clear_if_abandoned(path: Path) -> bool:
    """Remove the file if no process has locked it; returns whether it did. A file that cannot be opened stays."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(descriptor)
        return True
    return False
