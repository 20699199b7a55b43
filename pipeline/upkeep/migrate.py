"""`migrate` with the settings in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.data_folder import require_archive
from pipeline.errors import UnusableInputError
from pipeline.folder_owner import enter_folder
from pipeline.upkeep.rebuild import derivation
from warehouse.backends.choose import warehouse_of
from warehouse.maintenance.migrate import Moved, migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.run import Reporter
    from pipeline.settings import Settings
    from warehouse.paths import DataPaths


def migrate_warehouse(old: Settings, new: Settings, reporter: Reporter, *, accept_loss: bool = False) -> Moved:
    """Derive the warehouse again at the place in `new`, from the same archive; warns of segments that cannot be read.

    Raises:
        UnusableInputError: when `old` and `new` name the same place, or there is no archive.
        WarehouseError: see `warehouse.maintenance.migrate.migrate`.
    """
    if place_of(old.paths) == place_of(new.paths):
        msg = f"the warehouse is at {place_of(old.paths)} already: give another place with --to"
        raise UnusableInputError(msg)
    require_archive(old.paths)
    enter_folder(new)
    work = derivation(old, reporter, new.paths)
    done = migrate(old.paths, work, accept_loss=accept_loss, notify=reporter.warn)
    for damaged in done.loaded.damaged:
        reporter.warn(damaged.error)
    return done


def place_of(paths: DataPaths) -> str:
    """Where the warehouse is, in the words of the setting, without a password."""
    return warehouse_of(paths).place


def as_lines(done: Moved, place: str) -> Iterator[str]:
    """For people."""
    yield f"{done.rows['tasks']:,} tasks and {done.rows['observations']:,} answers are now at {place}"
    if done.differing is None:
        yield "the old warehouse could not be read, so there was nothing to compare with"
    elif done.differing:
        names = ", ".join(done.differing)
        yield f"these tables differ from what readers saw of the old one: {names}; the new ones agree with the archive"
    else:
        yield f"all {len(done.rows)} tables are the same as in the old one"
    yield f"to use it, set AVATAR_TASKS_WAREHOUSE={place}, here and in every deployment"
