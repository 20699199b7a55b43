"""Which days of the archive an active run may still write to or rely on: the day it began, and those after it.

A run holds a shared lock on a file named after the day it began. The system releases the lock when the process ends,
even by a crash, so nothing has to be cleaned up. A run that lasts a week protects only the days of that week.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from warehouse.archive.atomic import make_directory
from warehouse.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

#: A run that has just begun may not have its lock yet; so the previous day is over only this long after midnight.
GRACE: Final = timedelta(hours=1)


@contextlib.contextmanager
def active_run(folder: Path, began: datetime) -> Iterator[None]:
    """Protect the days since `began` (UTC) from compaction and retention until the block ends.

    Raises:
        ArchiveError: when the folder cannot be written to.
    """
    try:
        make_directory(folder)
        descriptor = os.open(folder / f"{began:%Y-%m-%d}", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        msg = (
            f"cannot write to {folder}: {error.strerror or error}. Free disk space or give write access, and run again"
        )
        raise ArchiveError(msg) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def first_busy_day(folder: Path, now: datetime) -> str:
    """The first day, as YYYY-MM-DD, that must not be changed: the day the oldest active run began, or today."""
    today = f"{now - GRACE:%Y-%m-%d}"
    return min((day for day in _active_days(folder, today)), default=today)


def _active_days(folder: Path, today: str) -> Iterator[str]:
    """Days before `today` on which active runs began; the lock files of other days are removed."""
    for path in sorted(folder.glob("????-??-??")) if folder.exists() else ():
        if path.name < today:
            with path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                except BlockingIOError:
                    yield path.name
