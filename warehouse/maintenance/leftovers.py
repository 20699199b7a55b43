"""What processes that were killed left behind, and no later one would come across by itself."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.archive.atomic import clear_unfinished
from warehouse.errors import WarehouseHeldError
from warehouse.maintenance.beside import clear_half_made

if TYPE_CHECKING:
    from warehouse.paths import DataPaths


def clear_debris(paths: DataPaths) -> None:
    """Remove unfinished segments and half-made warehouses that nobody is working on; what is at work stays."""
    if isinstance(paths.archive, Path):  # on object storage nothing is ever unfinished
        clear_unfinished(paths.archive)
    with contextlib.suppress(WarehouseHeldError):
        clear_half_made(paths)
