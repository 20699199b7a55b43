"""An inbox: a folder whose files are read, and moved away once their ids are in the archive.

A file that was read is moved to `done/`; one that cannot be used, to `unusable/`, with the reason in a file beside it.
No file ends a run, because nobody is there to correct it, and the other files must not wait.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.errors import UnusableInputError
from pipeline.intake.folders import find_files
from pipeline.intake.rejections import shown_path
from pipeline.intake.source import IdSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.intake.rejections import Rejections

#: A file is read only if it has not changed for this long: before, it may still be being written.
QUIET_SECONDS: Final = 5.0

#: If the time of a file is further in the future than this, the time is wrong and must be reported.
_AHEAD_SECONDS: Final = 60.0

DONE: Final = "done"
UNUSABLE: Final = "unusable"

#: Suffix of the file that says why another one is unusable.
REASON: Final = ".reason.txt"


def inbox_files(inbox: str, now: float, warn: Callable[[str], None]) -> list[Path]:
    """The complete files in the inbox, sorted by name; the folder is created if it is missing.

    Raises:
        UnusableInputError: when it is not a usable folder.
    """
    folder = Path(inbox)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = find_files(folder, ours=(DONE, UNUSABLE))
        complete = [path for path in found.files if _is_quiet(path, now, warn)]
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UnusableInputError(f"cannot use the inbox {shown_path(inbox)}: {why}") from error
    if words := found.warning(folder):
        warn(words)
    return complete


def _is_quiet(path: Path, now: float, warn: Callable[[str], None]) -> bool:
    try:
        age = now - path.lstat().st_mtime
    except FileNotFoundError:
        return False
    if age < -_AHEAD_SECONDS:
        warn(f"{shown_path(path)} has a modification time in the future, and is not read before then: `touch` it")
    return age >= QUIET_SECONDS


def take_files(
    inbox: str,
    now: float,
    *,
    column: str | None,
    rejections: Rejections,
    write: Callable[[list[str]], None],
    warn: Callable[[str], None],
) -> None:
    """Pass the ids of every file in the inbox to `write`, in pieces. A file is moved away after all were written.

    Raises:
        UnusableInputError: when the inbox cannot be used.
        Exception: any error of `write`; the file then stays where it is.
    """
    for file in inbox_files(inbox, now, warn):
        before = rejections.count
        try:
            if file.is_symlink():
                raise UnusableInputError(f"{shown_path(file)}: is a link, and links are not followed from an inbox")  # noqa: TRY301
            source = IdSource(file=str(file), column=column, follow_links=False)
            for piece in source.pieces(rejections):
                write(piece)
        except UnusableInputError as error:
            _move_to_unusable(file, str(error), warn)
            continue
        if rejected := rejections.count - before:
            warn(f"{rejected:,} lines of {shown_path(file)} are not task ids; table `runs` has the first of them")
        _move(file, DONE, warn)


def move_on(file: Path, to: str) -> Path:
    """Move a file of the inbox to the folder `to`, under a name that is free there; returns its new path.

    Another run may have moved it already.

    Raises:
        OSError: when it cannot be moved.
    """
    folder = file.parent / to
    folder.mkdir(exist_ok=True)
    target = folder / file.name
    if os.path.lexists(target):
        target = folder / f"{file.stem}-{time.time_ns()}{file.suffix}"
    with contextlib.suppress(FileNotFoundError):
        file.rename(target)
    return target


def _move(file: Path, to: str, warn: Callable[[str], None]) -> Path | None:
    try:
        return move_on(file, to)
    except OSError as error:
        warn(f"{shown_path(file)} cannot be moved to {to}: {error.strerror}. The next run reads it again")
        return None


def _move_to_unusable(file: Path, reason: str, warn: Callable[[str], None]) -> None:
    target = _move(file, UNUSABLE, warn)
    if target is None:
        warn(reason)
        return
    warn(f"{reason}. It was moved to {shown_path(target)}")
    try:
        target.with_name(target.name + REASON).write_text(f"{reason}\n", encoding="utf-8")
    except OSError as error:
        warn(f"the reason could not be written beside it: {error.strerror}")
