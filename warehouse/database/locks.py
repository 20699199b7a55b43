"""Who may write a warehouse file, and who does: our own lock file beside it, and DuckDB's lock on the file.

DuckDB's is a POSIX lock, which a process loses as soon as it closes *any* descriptor of the file. So nothing here opens
a warehouse that this process already has open.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import struct
import sys
import time
from typing import TYPE_CHECKING, Final

from warehouse.archive.atomic import make_directory
from warehouse.errors import WarehouseFullError, WarehouseLockedError, WarehouseUnwritableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RETRY_SECONDS: Final = 0.1

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_RIGHT: Final = (errno.EROFS, errno.EACCES, errno.EPERM)

_THIS_PROCESS: Final = "this process"

# `struct flock`, as C lays it out: (format, position of l_type, position of l_pid).
_FLOCK: Final = ("qqihh", 3, 2) if sys.platform == "darwin" else ("hhqqi", 0, 4)


def lock_path(warehouse: Path) -> Path:
    return warehouse.with_name(f"{warehouse.name}.lock")


@contextlib.contextmanager
def sole_writer(warehouse: Path, wait_seconds: float) -> Iterator[None]:
    """Our own lock on a warehouse file, for one process at a time.

    Raises:
        WarehouseLockedError: when it is not obtained within `wait_seconds`.
        WarehouseFullError, WarehouseUnwritableError: when the block, or this function, cannot write to the disk.
    """
    try:
        with _locked(warehouse, wait_seconds):
            yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise disk_full_error(warehouse, str(error.strerror)) from error
        if error.errno in _NO_RIGHT:
            raise _unwritable(warehouse, error) from error
        raise


@contextlib.contextmanager
def _locked(warehouse: Path, wait_seconds: float) -> Iterator[None]:
    make_directory(warehouse.parent)
    path = lock_path(warehouse)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as file:
        deadline = time.monotonic() + wait_seconds
        while not _try_lock(file.fileno(), fcntl.LOCK_EX):
            if time.monotonic() >= deadline:
                raise locked_error(warehouse, _our_holder(path), wait_seconds)
            time.sleep(RETRY_SECONDS)
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "command": " ".join(sys.argv[:2])}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def lock_holder(warehouse: Path) -> str | None:
    """The process that has locked the warehouse, in words; None when there is none. Does not open the database."""
    try:
        if _is_locked(lock_path(warehouse)):
            return _our_holder(lock_path(warehouse))
        if is_open_here(warehouse):
            return f"{_THIS_PROCESS} ({os.getpid()})"
        return file_holder(warehouse)
    except OSError:
        return None


def is_open_here(path: Path) -> bool:
    """Whether this process has the file open."""
    try:
        wanted = path.stat()
    except FileNotFoundError:
        return False
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - entries that may vanish are not paths
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(int(name)), wanted):
                return True
    return False


def locked_error(warehouse: Path, holder: str, waited: float) -> WarehouseLockedError:
    """The error that names the lock holder and says what to do."""
    return WarehouseLockedError(
        f"the warehouse {warehouse} is locked by {holder}: waited {waited:g} s. Nothing is lost: everything collected "
        "is in the archive, and the next run loads it. Close that process, or let it read published/current.duckdb"
    )


def locked_here_error(warehouse: Path, waited: float) -> WarehouseLockedError:
    """The error of `locked_error`, if the holder is another connection of this process."""
    return locked_error(warehouse, f"{_THIS_PROCESS} ({os.getpid()})", waited)


def disk_full_error(warehouse: Path, why: str) -> WarehouseFullError:
    """The error for a full disk."""
    return WarehouseFullError(
        f"there is no space for the warehouse {warehouse} ({why}). Nothing is lost: everything collected is in the "
        "archive, and the next run loads it. Free disk space and run again"
    )


def memory_error(warehouse: Path, why: str) -> WarehouseFullError:
    """The error for a statement that needs more memory than its connection may use."""
    return WarehouseFullError(
        f"the warehouse {warehouse} needs more memory to load than it may use ({why}). Nothing is lost: everything "
        "collected is in the archive, and the next run loads it. Set MEMORY to more, e.g. 700MB, or free disk space "
        "for temporary files, and run again"
    )


def _unwritable(warehouse: Path, error: OSError) -> WarehouseUnwritableError:
    return WarehouseUnwritableError(
        f"cannot write to {error.filename or warehouse.parent}: {error.strerror}. Nothing is lost: everything "
        "collected is in the archive, and the next run loads it. Give write access and run again"
    )


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_locked(path: Path) -> bool:
    """Whether a process holds our lock; the test itself takes a shared lock for an instant."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        return not _try_lock(file.fileno(), fcntl.LOCK_SH)


def _our_holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"process {holder['pid']} ({holder['command']})"
    except (OSError, ValueError, KeyError):
        return "another avatar-tasks process"


def file_holder(warehouse: Path) -> str | None:
    """The process whose lock would keep us from writing, in words; None when there is none. Takes no lock.

    Only `F_GETLK` gives the process without taking a lock, and Python has no wrapper for its structure. Trying to lock
    (`lockf`) would not give the process, and would keep DuckDB from opening the file at that instant.
    """
    layout, type_at, pid_at = _FLOCK
    question = [0] * len(layout)
    question[type_at] = fcntl.F_WRLCK
    if not warehouse.exists():
        return None
    with warehouse.open("rb") as file:
        answer = struct.unpack(layout, fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(layout, *question)))
    if answer[type_at] == fcntl.F_UNLCK:
        return None
    return f"process {answer[pid_at]}" if answer[pid_at] > 0 else "another process"
