"""`~` in a path, where no shell has read it: in a file, in a variable, behind `--option=`, in a flow's parameter."""

from __future__ import annotations

import os


def expand(path: str) -> str:
    """`path` with `~` or `~user` as its beginning replaced by that user's home folder; any other as it is.

    Raises:
        ValueError: when nobody knows that folder; no folder is to be called `~`.
    """
    expanded = os.path.expanduser(path)  # noqa: PTH111 - Path's raises where the user is unknown
    if path.startswith("~") and expanded == path:
        user = path.partition("/")[0]
        raise ValueError(f"nobody knows the home folder {user}; if a folder here is called that, write ./{user}")
    return expanded
