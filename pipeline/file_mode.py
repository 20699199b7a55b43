"""What a run makes is for its owner only, whichever library makes it."""

from __future__ import annotations

import os
from typing import Final

#: Neither group nor others may do anything.
_OWNER_ONLY: Final = 0o077


def keep_private() -> None:
    """From here on this process creates every file for its owner only: DuckDB's log and pyarrow's files, too."""
    os.umask(_OWNER_ONLY)
