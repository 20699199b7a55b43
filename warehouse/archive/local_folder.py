"""An archive in a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from warehouse.archive.atomic import UNFINISHED, atomic_write, clear_unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """See `storage.Storage`.

    Attributes:
        folder: the folder.
    """

    folder: Path

    def __str__(self) -> str:
        return str(self.folder)

    def file(self, *names: str) -> Path:
        return self.folder.joinpath(*names)

    def create(self, *names: str, fill: Callable[[IO[bytes]], object]) -> Path:
        with atomic_write(self.file(*names)) as file:
            fill(file)
        return self.file(*names)

    def days(self, kind: str) -> Iterator[tuple[str, list[str]]]:
        """Returns names rather than `Path`s, for speed: every load lists the whole archive."""
        if (self.folder / kind).exists():
            for day in os.scandir(self.folder / kind):
                if day.is_dir() and not day.name.startswith(UNFINISHED):
                    yield day.name, [one.name for one in os.scandir(day) if not one.name.startswith(UNFINISHED)]

    def clear_unfinished(self) -> None:
        clear_unfinished(self.folder)
