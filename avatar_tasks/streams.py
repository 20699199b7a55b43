"""stdout and stderr that never make a command fail: what cannot be written is dropped, as the work is more important.

A closed pipe, a descriptor that was closed before the program began (`2>&-`) and a full disk raise an error at any line
that is printed, and once more when Python flushes at its end, and then exits with 120.
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

_POLL_SECONDS: Final = 0.2

_STREAMS: Final = ("stdin", "stdout", "stderr")


_closed: Final[set[str]] = set()


class _Descriptor(io.FileIO):
    """A descriptor for writing that never raises.

    Attributes:
        failure: the error of the first write that failed; None if none did.
    """

    failure: OSError | None = None

    def write(self, data: Buffer, /) -> int:
        try:
            while (written := super().write(data)) is None:  # it was made non-blocking, and is full
                select.select([], [self], [])
        except OSError as error:
            self.failure = self.failure or error
            return memoryview(data).nbytes
        return written


class _Stdin(io.FileIO):
    """stdin whose reader does not wait for input any longer when a signal has stopped the command."""

    def readinto(self, buffer: Buffer, /) -> int | None:
        while not select.select([self], [], [], _POLL_SECONDS)[0]:
            if interrupts.has_come():
                raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))  # Python would retry after EINTR
        return super().readinto(buffer)


def never_fail() -> None:
    """Replace Python's standard streams by these; must be called before anything is written or opened.

    A closed descriptor is replaced by /dev/null: otherwise the next file that is opened would get its number, and
    everything that a library prints would go into that file.
    """
    for descriptor, name in enumerate(_STREAMS):
        try:
            os.fstat(descriptor)
        except OSError:
            _closed.add(name)
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - it gets the lowest free number
        stream: IO[str] | None = getattr(sys, name)
        if stream is not getattr(sys, f"__{name}__"):
            continue  # it is captured
        setattr(sys, name, _readable(descriptor) if name == "stdin" else _writable(descriptor, stream))


def stdout_was_closed() -> bool:
    """Whether stdout was closed when the program started, so that what is written to it is lost."""
    return sys.stdout is None or "stdout" in _closed


def lost_output() -> OSError | None:
    """Why not everything could be written to stdout; None if it was, or if the reader closed the pipe."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if not isinstance(raw, _Descriptor):
        return None
    sys.stdout.flush()
    return None if raw.failure is None or raw.failure.errno == errno.EPIPE else raw.failure


def _readable(descriptor: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedReader(_Stdin(descriptor, closefd=False)), encoding="utf-8", errors="replace")


def _writable(descriptor: int, replaced: IO[str] | None) -> io.TextIOWrapper:
    """A stream with the encoding of the one that it replaces; characters that it lacks are written as escapes."""
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(descriptor, "w", closefd=False)),
        encoding=getattr(replaced, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=descriptor != 1 or os.isatty(descriptor),
    )
