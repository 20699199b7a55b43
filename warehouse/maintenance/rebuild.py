"""Derive the whole warehouse again from the archive, unless something would be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warehouse.backends.choose import warehouse_of
from warehouse.maintenance.losses import LossGuard

if TYPE_CHECKING:
    from collections.abc import Callable

    from warehouse.load.loader import Loaded
    from warehouse.maintenance.derivation import Derivation


def rebuild(
    work: Derivation, *, accept_loss: bool = False, notify: Callable[[str], None] = lambda _line: None
) -> Loaded:
    """Derive the warehouse of `work.paths` again. Collecting and reading may continue meanwhile.

    Args:
        work: what a rebuild needs.
        accept_loss: whether rows of segments that the archive no longer has may be lost.
        notify: called with messages for the operator about losses.

    Raises:
        LossError, WarehouseLockedError, ArchiveError: see `Warehouse.rebuild`.
    """
    warehouse = warehouse_of(work.paths)
    guard = LossGuard(work.store, accept_loss, notify)
    guard.check_early(warehouse.ledger)
    return warehouse.rebuild(work, guard)
