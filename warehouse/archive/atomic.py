"""Files that are there complete or not at all, for their owner only unless it is said otherwise.

Who writes one holds a lock on it until it has its name. So a file that is unfinished and not locked belongs to a
process that is no more, in whatever container it ran, and `clear_unfinished` may remove it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Files being written begin with this; nothing that looks for finished files sees them.
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
    """Make the names in a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_write(path: Path, *, mode: int = _OWNER_ONLY) -> Iterator[BinaryIO]:
    """A file to write to, which gets its name only when everything is on the disk; gone when the block fails.

    The order is what keeps the promise: content, fsync, rename, fsync of the directory. `mode` is the file's.

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


def replace_whole(path: Path, fill: Callable[[Path], object]) -> None:
    """Let `fill` write a file by name, then put it in the place of `path`, in the same order as `atomic_write`."""
    with _unfinished(path) as (unfinished, descriptor):
        fill(unfinished)
        os.fsync(descriptor)
        unfinished.replace(path)
        sync_directory(path.parent)


def clear_unfinished(folder: Path) -> int:
    """Remove what writers that are no more left unfinished in `folder` and below; returns how many files."""
    return sum(_clear_if_abandoned(path) for path in folder.rglob(f"{UNFINISHED}*"))


@contextlib.contextmanager
def _unfinished(path: Path) -> Iterator[tuple[Path, int]]:
    """A file beside `path` and a descriptor that holds its lock; gone afterwards, unless it got another name."""
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
        os.close(descriptor)  # taken for abandoned in the instant between the two


def _clear_if_abandoned(path: Path) -> bool:
    """Whether the file was nobody's and is gone; what cannot be looked at stays."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(descriptor)
        return True
    return False
