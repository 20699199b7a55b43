"""Streams whose beginning is read twice, and gzip with a limit, as its unpacked size is not known before."""

from __future__ import annotations

import gzip
import io
from typing import IO, TYPE_CHECKING, Final, cast

from pipeline.intake.refused import RefusedError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: No file is unpacked beyond this: 60 million ids of 32 characters, or a gzip bomb.
MOST_UNPACKED_BYTES: Final = 2 * 1024**3


class _Readable(io.RawIOBase):
    def readable(self) -> bool:
        return True


class _Replay(_Readable):
    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = memoryview(head)
        self._rest = rest

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        piece = self._head[: len(view)] or self._rest.read(len(view))
        self._head = self._head[len(piece) :]
        view[: len(piece)] = piece
        return len(piece)


class _Limited(_Readable):
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._count = 0

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        piece = self._file.read(len(view))
        self._count += len(piece)
        if self._count > MOST_UNPACKED_BYTES:
            raise RefusedError(
                f"is more than {MOST_UNPACKED_BYTES:,} bytes when unpacked, which is the most that is read"
            )
        view[: len(piece)] = piece
        return len(piece)


def replayed(head: bytes, rest: IO[bytes]) -> IO[bytes]:
    """A stream of `head`, which was already read from `rest`, followed by `rest`."""
    return cast("IO[bytes]", io.BufferedReader(_Replay(head, rest)))


def unpacked(packed: IO[bytes]) -> IO[bytes]:
    """The unpacked content of a gzip stream.

    Raises:
        RefusedError: while reading, beyond `MOST_UNPACKED_BYTES`.
        EOFError, zlib.error, gzip.BadGzipFile: while reading, if the stream is damaged or cut short.
    """
    return cast("IO[bytes]", io.BufferedReader(_Limited(cast("IO[bytes]", gzip.GzipFile(fileobj=packed)))))
