"""What the archive needs of the place where its files are. A folder (`local_folder`) and object storage are two of it.

A file is there complete or not at all, and durable when `create` returns. Errors are `OSError`s, whatever the place.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class HasSize(Protocol):
    """The part of `os.stat_result` that is used."""

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
            OSError: when it cannot be read; FileNotFoundError when it is not there.
        """

    def read_bytes(self) -> bytes:
        """All of its content."""

    def stat(self) -> HasSize:
        """Its size."""

    def unlink(self, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - as pathlib has it
        """Remove it."""


class Storage(Protocol):
    """Where an archive is; as text it is the place that messages name."""

    @property
    def folder(self) -> Path | None:
        """The folder, where the files are on a disk of this machine, and can be replaced; None where they cannot."""

    def file(self, *names: str) -> StoredFile:
        """The file at such a path below the place."""

    def create(self, *names: str, fill: Callable[[IO[bytes]], object]) -> StoredFile:
        """Let `fill` write a new file at such a path; returns the file.

        Raises:
            FileExistsError: when another has been created there in the meantime, where that can be known.
            OSError: when it cannot be written.
        """

    def days(self, kind: str) -> Iterator[tuple[str, list[str]]]:
        """Each folder below the folder `kind`, with the names of the finished files in it; none where there is none.

        Raises:
            OSError: when they cannot be listed.
        """

    def clear_unfinished(self) -> None:
        """Remove what writers that are gone left unfinished."""
