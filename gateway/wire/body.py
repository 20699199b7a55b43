"""Decodes a body while it arrives, and keeps no more of it in memory than the limit."""

import zlib
from typing import Protocol

from gateway.wire.memory import PIECE_BYTES

_GZIP = 16 + zlib.MAX_WBITS
_SHORTEST_ZLIB_HEADER = 2
_DEFLATE_METHOD = 8


class BodyFault(Exception):  # noqa: N818 - it becomes the error of an observation and goes no further
    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


class _Decoder(Protocol):
    def decode(self, chunk: bytes, most: int) -> bytes:
        """At most `most` (at least 1) decoded bytes. If it returns that many, the next call continues with the rest."""

    def finish(self) -> None:
        """The body has ended.

        Raises:
            BodyFault: it ended too early.
        """


class _Identity:
    def __init__(self) -> None:
        self._rest = b""

    def decode(self, chunk: bytes, most: int) -> bytes:
        chunk = self._rest + chunk if self._rest else chunk
        self._rest = chunk[most:]
        return chunk[:most]

    def finish(self) -> None:
        pass


class _Inflate:
    """Decodes gzip, and deflate with the zlib header (as the standard requires) or without (as many servers send)."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._inflater: zlib._Decompress | None = zlib.decompressobj(_GZIP) if encoding == "gzip" else None
        self._head = b""

    def decode(self, chunk: bytes, most: int) -> bytes:
        if self._inflater is not None:
            chunk = self._inflater.unconsumed_tail + chunk
        else:
            self._head += chunk
            if len(self._head) < _SHORTEST_ZLIB_HEADER:
                return b""
            self._inflater, chunk = zlib.decompressobj(_zlib_bits(self._head)), self._head
        try:
            decoded = self._inflater.decompress(chunk, most)
        except zlib.error as error:
            raise BodyFault("encoding", f"the body is not {self._encoding} as its Content-Encoding says") from error
        if self._inflater.unused_data:
            raise BodyFault("encoding", f"there is data after the end of the {self._encoding} stream")
        return decoded

    def finish(self) -> None:
        if self._inflater is None and not self._head:
            return
        if self._inflater is None or not self._inflater.eof:
            raise BodyFault("truncated", f"the {self._encoding} stream stops early")


def _zlib_bits(head: bytes) -> int:
    has_header = head[0] & 0x0F == _DEFLATE_METHOD and int.from_bytes(head[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS


def _decoder(encoding: str) -> _Decoder:
    name = encoding.strip().lower()
    if name in {"", "identity", "none"}:
        return _Identity()
    if name in {"gzip", "x-gzip", "deflate"}:
        return _Inflate(name.removeprefix("x-"))
    raise BodyFault("encoding", f"cannot decode {encoding!r}, which was not requested")


class Body:
    """Collects one body.

    Args:
        encoding: the value of `Content-Encoding`, '' if there is none.
        most: the most decoded bytes to keep.

    Raises:
        BodyFault: from every method, if the body does not match its headers.
    """

    def __init__(self, encoding: str, most: int) -> None:
        self._decoder = _decoder(encoding)
        self._most = most
        self.size = 0
        self._pieces: list[bytes] = []

    @property
    def is_full(self) -> bool:
        return self.size >= self._most

    def feed(self, chunk: bytes) -> bool:
        """Add a chunk as received; do not call once `is_full`.

        At most `PIECE_BYTES` are decoded per call. True means that there may be more: call with an empty chunk.
        """
        most = min(PIECE_BYTES, self._most - self.size)
        piece = self._decoder.decode(chunk, most)
        self._pieces.append(piece)
        self.size += len(piece)
        return len(piece) == most

    def finish(self) -> None:
        """Call after the last chunk."""
        self._decoder.finish()

    def content(self) -> bytes:
        """What was decoded so far."""
        self._pieces = [b"".join(self._pieces)]
        return self._pieces[0]
