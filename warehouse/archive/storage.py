"""The interface of the archive to the place of its files: a folder (`local_folder`) or object storage (`object_store`).

A file exists complete or not at all, and is durable when `create` returns. Errors are `OSError`s in both cases.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class HasSize(Protocol):
    """The used part of `os.stat_result`."""

    @property
    def st_size(self) -> int:
        """Bytes."""


class StoredFile(Protocol):
    """A file of an archive; a `pathlib.Path` is one."""

    @property
    def name(self) -> str:
        """The last part of its path."""

    @property
    def parent(self) -> StoredFile:
        """The folder it is in."""

    def open(self, mode: Literal["rb"]) -> IO[bytes]:
        """Its content, seekable.

        Raises:
            OSError: when it cannot be read; FileNotFoundError when it does not exist.
        """

    def read_bytes(self) -> bytes:
        """All of its content."""

    def stat(self) -> HasSize:
        """Its size."""

    def unlink(self, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - as pathlib has it
        """Remove it."""


class Storage(Protocol):
    """Where an archive is; `str()` of it is the place that messages show."""

    @property
    def folder(self) -> Path | None:
        """The folder, if the files are on a disk of this machine and can be replaced; None on object storage."""

    def file(self, *names: str) -> StoredFile:
        """The file with this path below the place."""

    def create(self, *names: str, fill: Callable[[IO[bytes]], object]) -> StoredFile:
        """Let `fill` write a new file with this path; returns the file.

        Raises:
            FileExistsError: when another process has created it meanwhile, if the storage can tell.
            OSError: when it cannot be written.
        """

    def days(self, kind: str) -> Iterator[tuple[str, list[str]]]:
        """Each folder below the folder `kind`, with the names of the finished files in it.

        Raises:
            OSError: when they cannot be listed.
        """

    def clear_unfinished(self) -> None:
        """Remove unfinished files of writers that have ended."""
