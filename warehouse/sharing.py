"""`SHARE=group`: the files for readers are readable for the group of the data folder; all others for the owner only."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Final

from warehouse.errors import SharingError

if TYPE_CHECKING:
    from pathlib import Path

#: The group may read and enter; with the set-group-id bit, new files inside get the same group.
_FOLDER: Final = 0o2750
_FILE: Final = 0o640


def share(path: Path, root: Path) -> None:
    """Make a file or folder readable for the group of the folder `root`; does nothing if it does not exist.

    Raises:
        SharingError: when its owner may not give it to that group.
    """
    group = root.stat().st_gid
    with contextlib.suppress(FileNotFoundError):
        status = path.stat()
        mode = _FOLDER if stat.S_ISDIR(status.st_mode) else _FILE
        try:
            if status.st_gid != group:
                os.chown(path, -1, group)
            if stat.S_IMODE(status.st_mode) != mode:
                path.chmod(mode)
        except PermissionError as error:
            msg = (
                f"SHARE=group cannot give {path} to the group {group} of {root} ({error.strerror}): make its owner a "
                "member of that group"
            )
            raise SharingError(msg) from error


def share_folder(path: Path, root: Path) -> None:
    """Make a folder below `root`, and all folders on the way to it, readable for the group of `root`.

    Raises:
        SharingError: see `share`.
    """
    share(root, root)
    for folder in reversed([path, *path.parents]):
        if folder != root and folder.is_relative_to(root):
            share(folder, root)
