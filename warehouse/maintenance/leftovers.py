"""What processes that were killed left behind, and no later one would come across by itself."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from warehouse.errors import WarehouseLockedError
from warehouse.maintenance.beside import clear_half_made

if TYPE_CHECKING:
    from warehouse.paths import DataPaths


def clear_leftovers(paths: DataPaths) -> None:
    """Remove unfinished segments and half-made warehouses that no process is writing."""
    paths.storage.clear_unfinished()
    with contextlib.suppress(WarehouseLockedError):
        clear_half_made(paths)
