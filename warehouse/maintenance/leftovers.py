"""Leftover temporary files of killed processes, as far as no later process would overwrite or remove them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from warehouse.archive.atomic import clear_unfinished
from warehouse.errors import WarehouseLockedError
from warehouse.maintenance.beside import clear_unfinished_rebuild

if TYPE_CHECKING:
    from warehouse.paths import DataPaths


def clear_leftovers(paths: DataPaths) -> None:
    """Remove unfinished segments, other unfinished files, and unfinished rebuilds, unless a process is writing them."""
    paths.storage.clear_unfinished()
    clear_unfinished(paths.gateways)
    with contextlib.suppress(WarehouseLockedError):
        clear_unfinished_rebuild(paths)
