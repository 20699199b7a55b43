"""`~` in a path that no shell has expanded: in a file, in a variable, after `--option=`, in a flow's parameter."""

from __future__ import annotations

import os


def expand(path: str) -> str:
    """`path` with `~` or `~user` at its start replaced by that user's home folder; any other path unchanged.

    Raises:
        ValueError: when that user's home folder is unknown; without this error a folder named `~` would be created.
    """
    expanded = os.path.expanduser(path)  # noqa: PTH111 - Path's raises where the user is unknown
    if path.startswith("~") and expanded == path:
        user = path.partition("/")[0]
        raise ValueError(f"the home folder {user} is not known; for a folder of that name, write ./{user}")
    return expanded
