"""An inbox: a folder whose files are taken, and moved on once their ids are durable.

What succeeds is moved to its `done/`; what fails, to `unusable/`, with the reason beside it. No file is so wrong
that it ends a run: nobody is there to correct it, and the other files are not to wait for it.
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

#: A file is taken once it has not changed for this long: somebody may still be writing it.
QUIET_SECONDS: Final = 5.0

#: A file whose time is further ahead than this has a wrong time rather than a slow writer.
_AHEAD_SECONDS: Final = 60.0

DONE: Final = "done"
UNUSABLE: Final = "unusable"

#: The ending of the file that says why another one is unusable.
REASON: Final = ".reason.txt"


def inbox_files(inbox: str, now: float, warn: Callable[[str], None]) -> list[Path]:
    """The files that lie in the inbox and are complete, by name; the folder is made if it is not there.

    Raises:
        UnusableInputError: when it is no folder that can be used.
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
        warn(f"{shown_path(path)} was changed in the future by its time, and is not taken before that: `touch` it")
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
    """Give the ids of every file in the inbox to `write`, in pieces. A file is moved on when all of them are durable.

    Raises:
        UnusableInputError: when the inbox cannot be used.
        Exception: whatever `write` raises; the file then stays where it is.
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
            _set_aside(file, str(error), warn)
            continue
        if rejected := rejections.count - before:
            warn(f"{rejected:,} lines of {shown_path(file)} are no task ids; `runs` has the first of them")
        _move(file, DONE, warn)


def move_on(file: Path, to: str) -> Path:
    """Move a file of the inbox to its folder `to`, under a name that is free there; returns where it is now.

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


def _set_aside(file: Path, reason: str, warn: Callable[[str], None]) -> None:
    target = _move(file, UNUSABLE, warn)
    if target is None:
        warn(reason)
        return
    warn(f"{reason}. It is in {shown_path(target)} now")
    try:
        target.with_name(target.name + REASON).write_text(f"{reason}\n", encoding="utf-8")
    except OSError as error:
        warn(f"the reason could not be written beside it: {error.strerror}")
