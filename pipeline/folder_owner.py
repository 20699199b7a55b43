"""The owner of a data folder. Another user, especially root, would leave files in it that the owner cannot replace."""

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
    """Before anything writes into the data folder: check that this user owns it, and set the permissions of new files.

    With RUN_AS_OWNER, root becomes the owner for the rest of the process.

    Raises:
        UnusableInputError: when another user owns the folder; nothing was changed.
        SharingError: when the folder cannot be shared with its group.
    """
    paths = settings.paths
    if (owner := _other_owner(paths)) is not None:
        _become(owner, paths, allowed=settings.run_as_owner)
    files = warehouse_of(paths).data_files if paths.is_shared else None
    keep_private(group_reads=files is not None)
    if files is not None and paths.root.exists():
        _share_files(files, paths.root)


def check_owner(settings: Settings) -> None:
    """Check that `enter_folder` would accept this user, without changing anything.

    Raises:
        UnusableInputError: when another user owns the folder.
    """
    owner = _other_owner(settings.paths)
    if owner is not None and not _may_become(allowed=settings.run_as_owner):
        raise _refusal(owner, settings.paths)


def _other_owner(paths: DataPaths) -> int | None:
    """The owner of the folder; None if that is this user, or this user may write there anyway."""
    owner = _owner(paths)
    return None if owner == os.geteuid() or _may_write_anyway(paths) else owner


def _owner(paths: DataPaths) -> int | None:
    """The owner of the files that runs have created; None if there are none, or their owner cannot be read."""
    made = [path for path in (paths.storage.folder, paths.warehouse, paths.published) if path is not None]
    if os.geteuid() == 0:  # an empty folder that was created for another user
        made.append(paths.root)
    return next((owner for path in made if (owner := _uid(path)) is not None), None)


def _may_write_anyway(paths: DataPaths) -> bool:
    """Whether this user, not root, may write there. New folders are for their owner only, so that was set on purpose.

    On some mounts (CIFS, user namespaces) files appear to belong to another user than the one who wrote them.
    """
    folder = paths.storage.folder or paths.root
    return os.geteuid() != 0 and os.access(folder, os.W_OK | os.X_OK, effective_ids=True)


def _uid(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None


def _become(owner: int, paths: DataPaths, *, allowed: bool) -> None:
    if not _may_become(allowed=allowed):
        raise _refusal(owner, paths)
    name, group = _name(owner), paths.root.stat().st_gid
    os.initgroups(name, group) if name != str(owner) else os.setgroups([])
    os.setgid(group)
    os.setuid(owner)


def _may_become(*, allowed: bool) -> bool:
    return allowed and os.geteuid() == 0


def _refusal(owner: int, paths: DataPaths) -> UnusableInputError:
    name = _name(owner)
    command = f"sudo -u {shlex.quote(name)} avatar-tasks {shlex.join(sys.argv[1:2])} …"
    hint = " (or, as root, set AVATAR_TASKS_RUN_AS_OWNER=true)" if os.geteuid() == 0 else ""
    return UnusableInputError(
        f"{paths.root} belongs to the user {name}, who could not replace what {_name(os.geteuid())} writes there: "
        f"run `{command}`{hint}. Nothing was changed"
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _share_files(folder: Path, root: Path) -> None:
    """Share a lake's files with the group: existing ones here, new ones by the set-group-id bit and the umask."""
    folder.mkdir(parents=True, exist_ok=True)
    share_folder(folder, root)
    for path in folder.rglob("*"):
        share(path, root)
