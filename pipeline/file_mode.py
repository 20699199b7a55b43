"""Files that a run creates are for its owner only, whichever library makes them; with SHARE=group a lake's are not."""

from __future__ import annotations

import os
from typing import Final

#: No permissions for group and others.
_OWNER_ONLY: Final = 0o077
#: The group may read. The archive, the warehouse's file and what is published set their permissions themselves.
_GROUP_READS: Final = 0o027


def keep_private(*, group_reads: bool = False) -> None:
    """From now on, files that this process creates are for their owner only, also DuckDB's log and pyarrow's files.

    Args:
        group_reads: the group may read them as well; for a lake, whose files are written by libraries.
    """
    os.umask(_GROUP_READS if group_reads else _OWNER_ONLY)
