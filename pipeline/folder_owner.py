"""Whose a data folder is. Another user, root above all, would leave files in it that its owner cannot replace."""

from __future__ import annotations

import os
import pwd
import shlex
import sys
from typing import TYPE_CHECKING

from pipeline.errors import UnusableInputError
from pipeline.file_mode import keep_private
from warehouse.backends.choose import warehouse_of
from warehouse.sharing import share, share_folder

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.settings import Settings
    from warehouse.paths import DataPaths


def enter_folder(settings: Settings) -> None:
    """For whatever writes into the data folder: as its owner, and with the permissions that are set.

    Root becomes the owner where RUN_AS_OWNER is set, for the rest of the process.

    Raises:
        UnusableInputError: when this is another user; nothing was changed.
        SharingError: when the folder cannot be shared with its group.
    """
    paths = settings.paths
    owner = _owner(paths)
    if owner not in (None, os.geteuid()) and not _was_opened_to_us(paths):
        _become(owner, paths, allowed=settings.run_as_owner)
    files = warehouse_of(paths).data_files if paths.is_shared else None
    keep_private(group_reads=files is not None)
    if files is not None and paths.root.exists():
        _share_files(files, paths.root)


def _owner(paths: DataPaths) -> int | None:
    """Who owns what runs have made; None where there is nothing, or it cannot be seen."""
    made = [path for path in (paths.storage.folder, paths.warehouse, paths.published) if path is not None]
    if os.geteuid() == 0:  # a folder that was made for another user, and is empty yet
        made.append(paths.root)
    return next((owner for path in made if (owner := _uid(path)) is not None), None)


def _was_opened_to_us(paths: DataPaths) -> bool:
    """Whether another user than root may write: folders of ours are their owner's only, so somebody decided that.

    On some mounts (CIFS, user namespaces) files show an owner that is not the one who writes them.
    """
    folder = paths.storage.folder or paths.root
    return os.geteuid() != 0 and os.access(folder, os.W_OK | os.X_OK, effective_ids=True)


def _uid(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None


def _become(owner: int | None, paths: DataPaths, *, allowed: bool) -> None:
    assert owner is not None  # noqa: S101 - for mypy; the caller has looked
    name = _name(owner)
    if not (allowed and os.geteuid() == 0):
        command = f"sudo -u {shlex.quote(name)} avatar-tasks {shlex.join(sys.argv[1:2])} …"
        hint = " (or, as root, set AVATAR_TASKS_RUN_AS_OWNER=true)" if os.geteuid() == 0 else ""
        msg = (
            f"{paths.root} belongs to the user {name}, who could not replace what {_name(os.geteuid())} writes there: "
            f"run `{command}`{hint}. Nothing was changed"
        )
        raise UnusableInputError(msg)
    group = paths.root.stat().st_gid
    os.initgroups(name, group) if name != str(owner) else os.setgroups([])
    os.setgid(group)
    os.setuid(owner)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _share_files(folder: Path, root: Path) -> None:
    """A lake's: below its folder the set-group-id bit and the umask do the rest; files from before get theirs here."""
    folder.mkdir(parents=True, exist_ok=True)
    share_folder(folder, root)
    for path in folder.rglob("*"):
        share(path, root)
