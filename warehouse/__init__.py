"""The archive, the warehouse that is derived from it, and the published copy that readers open.

`warehouse.connect` is an alias of `avatar_tasks.connect` since 0.2.0, and is removed in 0.3.0.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    import duckdb

__all__ = ["connect"]


def connect(data_dir: str | os.PathLike[str] | None = None, warehouse: str | None = None) -> duckdb.DuckDBPyConnection:
    """The same as `avatar_tasks.connect`, with a warning."""
    from warehouse.door import connect as open_for_reading  # noqa: PLC0415 - cheap to import as long as nobody connects

    warnings.warn("warehouse.connect() is avatar_tasks.connect() now, and goes with 0.3.0", DeprecationWarning, 2)
    return open_for_reading(data_dir, warehouse)
