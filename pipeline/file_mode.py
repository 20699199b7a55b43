"""Files that a run creates are for its owner only, whichever library makes them; with SHARE=group a lake's are not."""

from __future__ import annotations

import os
from typing import Final

#: Neither group nor others may do anything.
_OWNER_ONLY: Final = 0o077
#: The group may read, others may do nothing. The archive, the warehouse's file and what is in the folder set their own.
_GROUP_READS: Final = 0o027


def keep_private(*, group_reads: bool = False) -> None:
    """From here on this process creates every file for its owner only: DuckDB's log and pyarrow's files, too.

    Args:
        group_reads: or readable for its group, for libraries write the files of a lake.
    """
    os.umask(_GROUP_READS if group_reads else _OWNER_ONLY)
