"""An archive on S3-compatible storage, instead of in a folder.

An object exists complete or not at all: it is sent in one request, and becomes visible once storage has received all of
it. When that request is answered, the object is as durable as the storage is. The library is obstore, which is Apache
Arrow's object_store: it retries requests that may be retried, and reads the standard AWS_* variables.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import IO, TYPE_CHECKING, Final, Literal

from warehouse.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from obstore.store import S3Store
    from typing_extensions import Buffer

SCHEME: Final = "s3://"

#: Objects up to this size are read in one request, and the last few cached: a load reads each several times.
WHOLE_BYTES: Final = 4 * 1024 * 1024
_KEPT: Final = 32

_BUFFER_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Status:
    st_size: int


@dataclass(frozen=True, slots=True, order=True)
class ObjectPath:
    """An object, or a prefix of keys. Errors of storage are `OSError`s, like those of a disk.

    Attributes:
        bucket: its bucket.
        key: its key, without a slash at its beginning or end.
    """

    bucket: str
    key: str

    @classmethod
    def at(cls, url: str) -> ObjectPath:
        """The place that `s3://bucket/prefix` names."""
        bucket, _, key = url.removeprefix(SCHEME).partition("/")
        return cls(bucket, key.strip("/"))

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> ObjectPath:
        return ObjectPath(self.bucket, f"{self.key}/{name}".lstrip("/"))

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> ObjectPath:
        return ObjectPath(self.bucket, self.key.rpartition("/")[0])

    def stat(self) -> _Status:
        """Its size.

        Raises:
            OSError: when storage does not return it; FileNotFoundError when the object does not exist.
        """
        content = _content(self.bucket, self.key)
        return _Status(_head(self.bucket, self.key) if content is None else len(content))

    def open(self, mode: Literal["rb"] = "rb") -> IO[bytes]:  # noqa: ARG002 - as pathlib has it
        """Its content, seekable; a large object is read piece by piece.

        Raises:
            OSError: when it cannot be read; FileNotFoundError when it does not exist.
        """
        content = _content(self.bucket, self.key)
        return io.BufferedReader(_Ranges(self), _BUFFER_BYTES) if content is None else io.BytesIO(content)

    def read_bytes(self) -> bytes:
        """All of it."""
        with self.open() as file:
            return file.read()

    def create_atomically(self, content: bytes) -> None:
        """Write a new object in one request; writing the same content again is allowed.

        Raises:
            OSError: when it cannot be written; FileExistsError when it exists with other content, which stays.
        """
        import obstore  # noqa: PLC0415 - installed for those who use it
        from obstore.exceptions import AlreadyExistsError  # noqa: PLC0415 - likewise

        try:
            with _named(self):
                obstore.put(_store(self.bucket), self.key, content, mode="create", use_multipart=False)
        except AlreadyExistsError as error:
            if self.read_bytes() != content:  # the same: an earlier attempt was written, but its answer was lost
                msg = f"{self} exists already, with other content"
                raise FileExistsError(msg) from error

    def unlink(self, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - as pathlib has it
        """Remove it; storage does not say whether it existed.

        Raises:
            OSError: when it cannot be removed.
        """
        import obstore  # noqa: PLC0415 - installed for those who use it

        with contextlib.suppress(*[FileNotFoundError] if missing_ok else []), _named(self):
            obstore.delete(_store(self.bucket), self.key)

    def walk(self) -> Iterator[ObjectPath]:
        """Every object below it in the order of their keys, a thousand per request.

        Raises:
            OSError: when they cannot be listed.
        """
        import obstore  # noqa: PLC0415 - installed for those who use it

        pages = iter(obstore.list(_store(self.bucket), f"{self.key}/"))
        while True:
            with _named(self):
                page = next(pages, None)
            if page is None:
                return
            yield from (ObjectPath(self.bucket, found["path"]) for found in page)


@dataclass(frozen=True, slots=True)
class ObjectFolder:
    """An archive's files on object storage; see `storage.Storage`.

    Attributes:
        root: the prefix of their keys.
        folder: None, because machines that do not know each other write to it.
    """

    root: ObjectPath
    folder: None = None

    @classmethod
    def at(cls, url: str) -> ObjectFolder:
        """The folder that `s3://bucket/prefix` names."""
        return cls(ObjectPath.at(url))

    def __str__(self) -> str:
        return str(self.root)

    def file(self, *names: str) -> ObjectPath:
        return self.root / "/".join(names)

    def create(self, *names: str, fill: Callable[[IO[bytes]], object]) -> ObjectPath:
        content = io.BytesIO()
        fill(content)
        self.file(*names).create_atomically(content.getvalue())
        return self.file(*names)

    def days(self, kind: str) -> Iterator[tuple[str, list[str]]]:
        found = self.file(kind).walk()
        for day, files in itertools.groupby(found, key=lambda one: one.parent.name):  # they come in order
            yield day, [one.name for one in files]

    def clear_unfinished(self) -> None:
        """Nothing to do: an object exists complete or not at all."""


@lru_cache(maxsize=_KEPT)
def _head(bucket: str, key: str) -> int:
    import obstore  # noqa: PLC0415 - installed for those who use it

    with _named(ObjectPath(bucket, key)):
        return int(obstore.head(_store(bucket), key)["size"])


@lru_cache(maxsize=_KEPT)
def _content(bucket: str, key: str) -> bytes | None:
    """The content of a small object; None for a large one. It can be cached, because objects never change."""
    import obstore  # noqa: PLC0415 - installed for those who use it

    with _named(ObjectPath(bucket, key)):
        found = obstore.get(_store(bucket), key)
        return bytes(found.bytes()) if found.meta["size"] <= WHOLE_BYTES else None


class _Ranges(io.RawIOBase):
    """An object read range by range; `io.BufferedReader` around it makes the ranges long."""

    def __init__(self, path: ObjectPath) -> None:
        super().__init__()
        self._path = path
        self._size = path.stat().st_size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        end = min(self._at + len(view), self._size)
        if end <= self._at:
            return 0
        found = _range(self._path, self._at, end)
        view[: len(found)] = found
        self._at += len(found)
        return len(found)


def _range(path: ObjectPath, start: int, end: int) -> bytes:
    import obstore  # noqa: PLC0415 - installed for those who use it

    with _named(path):
        return bytes(obstore.get_range(_store(path.bucket), path.key, start=start, end=end))


@cache
def _store(bucket: str) -> S3Store:
    """The store of a bucket, configured by the AWS_* variables.

    Raises:
        ArchiveError: when obstore is not installed.
    """
    try:
        from obstore.store import S3Store  # noqa: PLC0415 - installed for those who use it
    except ImportError as error:
        msg = f"storage at {SCHEME}{bucket} needs obstore: run `make setup` in the project's folder"
        raise ArchiveError(msg) from error
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    return S3Store(bucket, client_options={"allow_http": endpoint.startswith("http://")})


@contextlib.contextmanager
def _named(path: ObjectPath) -> Iterator[None]:
    """Convert errors of storage to `OSError`s with the object's name, in one line."""
    from obstore.exceptions import AlreadyExistsError, BaseError  # noqa: PLC0415 - installed for those who use it

    try:
        yield
    except AlreadyExistsError:
        raise
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path}: {_reason(error)}") from error
    except (BaseError, OSError) as error:
        raise OSError(f"{path}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    code = re.search(r"<Code>(\w+)</Code>", str(error))
    return code[1] if code else str(error).split("\n", maxsplit=1)[0]
