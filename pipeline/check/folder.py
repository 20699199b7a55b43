"""The data folder: whether it is the intended one, who owns it, and whether its disk has space left."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from pipeline.check.finding import Finding, error, refusal
from pipeline.errors import UnusableInputError
from pipeline.folder_owner import check_owner
from pipeline.watch.measures import room_on_disk
from warehouse.archive.folder_mark import holds_ids, read_mark, was_used
from warehouse.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.settings import Settings
    from warehouse.paths import DataPaths

#: With less free space a run may be unable to write or load its answers.
_FEW_BYTES: Final = 1_000_000_000
_SMALL_SHARE: Final = 0.02

_AREA: Final = "data folder"


def folder_findings(settings: Settings) -> Iterator[Finding]:
    """About the folder itself, its mark, its owner and its disk."""
    paths = settings.paths
    yield _place(paths.root)
    yield _mark(paths)
    yield _owner(settings)
    yield from _space(paths.root)


def _place(root: Path) -> Finding:
    existing = next(path for path in (root, *root.parents) if path.exists())
    if not existing.is_dir():
        text = f"{existing} is a file, but a folder is needed"
        return error(_AREA, "DATA_DIR", text, "Set AVATAR_TASKS_DATA_DIR to a folder")
    if os.statvfs(existing).f_flag & os.ST_RDONLY:
        remedy = "Mount it for writing (`mount -o remount,rw`), or set AVATAR_TASKS_DATA_DIR to another folder"
        return error(_AREA, "DATA_DIR", f"{existing} is on a file system that is mounted read-only", remedy)
    if not os.access(existing, os.W_OK | os.X_OK):
        remedy = f"chmod u+rwx {existing}, or set AVATAR_TASKS_DATA_DIR to a folder that you own"
        return error(_AREA, "DATA_DIR", f"{existing} cannot be written to", remedy)
    return Finding(_AREA, "DATA_DIR", "ok", str(root))


def _mark(paths: DataPaths) -> Finding:
    """Whether there is an archive, and of which kind. One that is not mounted looks like one that never existed."""
    try:
        mark = read_mark(paths)
        has_ids = mark is not None or holds_ids(paths)
    except (ArchiveError, OSError) as problem:
        return refusal(_AREA, "archive", problem)
    if mark is None and not has_ids and was_used(paths):
        text = f"there is nothing at {paths.storage}, but a warehouse in {paths.root} was derived from an archive"
        return error(_AREA, "archive", text, "Mount it, or set AVATAR_TASKS_DATA_DIR or AVATAR_TASKS_ARCHIVE to it")
    if mark is None and not has_ids:
        text = f"there is none at {paths.storage} yet: `avatar-tasks collect` creates it"
        return Finding(_AREA, "archive", "info", text)
    if mark is not None and mark.kind == "demo":
        text = (
            f"{paths.storage} was created by `avatar-tasks demo`; scheduled runs refuse it, the next demo replaces it"
        )
        return Finding(_AREA, "archive", "warning", text, "Set AVATAR_TASKS_DATA_DIR to a folder for real work")
    created = f", created {mark.created_at[:10]}" if mark else ""
    return Finding(_AREA, "archive", "ok", f"{paths.storage}{created}")


def _owner(settings: Settings) -> Finding:
    try:
        check_owner(settings)
    except UnusableInputError as problem:
        return refusal(_AREA, "owner", problem)
    return Finding(_AREA, "owner", "ok", "this user")


def _space(root: Path) -> Iterator[Finding]:
    room = room_on_disk(next(path for path in (root, *root.parents) if path.exists()))
    if room is None:
        return
    text = f"{room.free / 1e9:,.1f} GB free of {room.size / 1e9:,.1f} GB"
    if room.free < min(_FEW_BYTES, room.size / 4) or room.free < _SMALL_SHARE * room.size:
        remedy = "Free space or enlarge the disk: `avatar-tasks maintain` compacts the archive"
        yield Finding(_AREA, "disk", "warning", text, remedy)
    else:
        yield Finding(_AREA, "disk", "ok", text)
