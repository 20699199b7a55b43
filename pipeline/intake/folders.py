"""The files of a folder that may contain ids, and those that are ignored, each with a reason."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pipeline.intake.opening import READ, REFUSED, kind_of
from pipeline.intake.rejections import shown_path

if TYPE_CHECKING:
    import os
    from pathlib import Path

#: How many files a warning names at most.
_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Found:
    """The files of a folder.

    Attributes:
        files: those that may contain ids, sorted by name.
        ignored: the others, each with the reason.
    """

    files: list[Path] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def warning(self, folder: Path) -> str | None:
        """A sentence about what was ignored; None if nothing was."""
        if not self.ignored:
            return None
        more = f" and {len(self.ignored) - _NAMED:,} more" if len(self.ignored) > _NAMED else ""
        return f"ignored {', '.join(self.ignored[:_NAMED])}{more} in {shown_path(folder)}"


def find_files(folder: Path, ours: tuple[str, ...] = ()) -> Found:
    """List a folder, without its subfolders. Hidden files and the folders `ours` are left out without a reason.

    Raises:
        OSError: when it cannot be listed.
    """
    found = Found()
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in ours:
            continue
        try:
            why = _why_ignored(path, path.lstat())
        except FileNotFoundError:
            continue  # another run has moved it
        if why is None:
            found.files.append(path)
        else:
            found.ignored.append(f"{shown_path(path.name)} ({why})")
    return found


def _why_ignored(path: Path, status: os.stat_result) -> str | None:
    if stat.S_ISDIR(status.st_mode):
        return "a folder"
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        return "not a regular file"
    return None if kind_of(path.name) in READ or path.suffix.lower() in REFUSED else "not a kind of file that is read"
