"""stdout and stderr that never fail a command: what cannot be written is dropped, for the work matters more than words.

A pipe whose reader has gone, a descriptor that was closed before we began (`2>&-`) and a disk that is full raise at any
line that anything prints, and once more when Python flushes at its end, which then exits with 120.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import IO, TYPE_CHECKING, Final

from pipeline import interrupts

if TYPE_CHECKING:
    from typing_extensions import Buffer

_LOOK_SECONDS: Final = 0.2

_STREAMS: Final = ("stdin", "stdout", "stderr")


_closed: Final[set[str]] = set()


class _Descriptor(io.FileIO):
    """A descriptor to write to that takes everything.

    Attributes:
        failure: what the first write that failed failed with.
    """

    failure: OSError | None = None

    def write(self, data: Buffer, /) -> int:
        try:
            while (written := super().write(data)) is None:  # somebody made it non-blocking, and it is full
                select.select([], [self], [])
        except OSError as error:
            self.failure = self.failure or error
            return memoryview(data).nbytes
        return written


class _Stdin(io.FileIO):
    """stdin, whose reader is not left waiting for words that nobody types when a signal has stopped the command."""

    def readinto(self, buffer: Buffer, /) -> int | None:
        while not select.select([self], [], [], _LOOK_SECONDS)[0]:
            if interrupts.has_come():
                raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))  # EINTR would be tried again
        return super().readinto(buffer)


def never_fail() -> None:
    """Put such streams in the place of Python's own; to be called before anything is written or opened.

    A descriptor that was closed becomes one of /dev/null: the next file that is opened would get its number otherwise,
    and whatever a library prints would go into that file.
    """
    for descriptor, name in enumerate(_STREAMS):
        try:
            os.fstat(descriptor)
        except OSError:
            _closed.add(name)
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - it gets the lowest free number
        stream: IO[str] | None = getattr(sys, name)
        if stream is not getattr(sys, f"__{name}__"):
            continue  # somebody captures it
        setattr(sys, name, _readable(descriptor) if name == "stdin" else _writable(descriptor, stream))


def stdout_was_closed() -> bool:
    """Whether who started us closed it, so that what is written to it goes nowhere."""
    return sys.stdout is None or "stdout" in _closed


def lost_output() -> OSError | None:
    """Why not all of stdout could be written; None when it was, and when its reader wanted no more of it."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if not isinstance(raw, _Descriptor):
        return None
    sys.stdout.flush()
    return None if raw.failure is None or raw.failure.errno == errno.EPIPE else raw.failure


def _readable(descriptor: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedReader(_Stdin(descriptor, closefd=False)), encoding="utf-8", errors="replace")


def _writable(descriptor: int, replaced: IO[str] | None) -> io.TextIOWrapper:
    """By the encoding of the stream it replaces; characters that this does not have are written as escapes."""
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(descriptor, "w", closefd=False)),
        encoding=getattr(replaced, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=descriptor != 1 or os.isatty(descriptor),
    )
