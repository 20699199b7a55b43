"""`rebuild` with the settings in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.data_folder import require_archive
from pipeline.folder_owner import enter_folder
from pipeline.sources.choose import policy_of
from warehouse.analysis import read_analysis
from warehouse.archive.folder_mark import was_used
from warehouse.archive.segments import Archive
from warehouse.maintenance.derivation import Derivation
from warehouse.maintenance.rebuild import rebuild

if TYPE_CHECKING:
    from pipeline.run import Reporter
    from pipeline.settings import Settings
    from warehouse.load.loader import Loaded
    from warehouse.paths import DataPaths


def rebuild_warehouse(settings: Settings, reporter: Reporter, *, accept_loss: bool = False) -> Loaded:
    """Rebuild and publish; segments that cannot be read are left out with a warning.

    Raises:
        UnusableInputError: when there is neither a warehouse nor an archive.
        WarehouseError: see `warehouse.maintenance.rebuild.rebuild`.
    """
    paths = settings.paths
    if not was_used(paths):
        require_archive(paths)
    enter_folder(settings)
    done = rebuild(derivation(settings, reporter), accept_loss=accept_loss, notify=reporter.warn)
    for damaged in done.damaged:
        reporter.warn(damaged.error)
    return done


def derivation(settings: Settings, reporter: Reporter, into: DataPaths | None = None) -> Derivation:
    """The parameters to derive a warehouse from the archive of `settings`: their own warehouse, or that of `into`."""
    paths = settings.paths
    return Derivation(
        into or paths,
        Archive(paths.storage),
        read_analysis(paths.analysis),
        policy_of(settings),
        settings.lock_wait,
        reporter.progress,
        settings.budget,
    )
