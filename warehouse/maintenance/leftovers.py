"""What processes that were killed left behind, and no later one would come across by itself."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from warehouse.archive.atomic import clear_unfinished
from warehouse.errors import WarehouseLockedError
from warehouse.maintenance.beside import clear_half_made

if TYPE_CHECKING:
    from warehouse.paths import DataPaths


def clear_leftovers(paths: DataPaths) -> None:
    """Remove unfinished segments and other files, and half-made warehouses, that no process is writing."""
    paths.storage.clear_unfinished()
    clear_unfinished(paths.gateways)
    with contextlib.suppress(WarehouseLockedError):
        clear_half_made(paths)
