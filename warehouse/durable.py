"""Files that are there whole or not at all, for their owner only."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Files being written begin with this; nothing that looks for finished files sees them.
UNFINISHED = ".unfinished-"


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
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which gets its name only when everything is on the disk; gone when the block fails.

    The order is what keeps the promise: content, fsync, rename, fsync of the directory.

    Raises:
        OSError: when it cannot be written.
    """
    make_directory(path.parent)
    unfinished = path.with_name(f"{UNFINISHED}{os.getpid()}-{path.name}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        sync_directory(path.parent)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def replace_whole(path: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write a file by name, then put it in the place of `path`, in the same order as `written_whole`."""
    make_directory(path.parent)
    unfinished = path.with_name(f"{UNFINISHED}{os.getpid()}-{path.name}")
    try:
        fill(unfinished)
        descriptor = os.open(unfinished, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        unfinished.replace(path)
        sync_directory(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)
