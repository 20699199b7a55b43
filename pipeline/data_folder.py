"""Which commands may create a data folder, and the message if one that should exist is missing.

`collect` on the command line creates a missing folder. A scheduled run does so only if FIRST_START is true, because a
folder that is not mounted looks like one that never existed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import UnusableInputError
from warehouse.archive.folder_mark import holds_ids, read_mark, was_used, write_mark
from warehouse.backends.choose import warehouse_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.run import Run
    from warehouse.paths import DataPaths


def begin_folder(run: Run, *, scheduled: bool, check: Callable[[], object] = lambda: None) -> None:
    """Check that the data folder is the intended one, and create it if it is missing and may be created.

    Args:
        run: from `run.begin`.
        scheduled: whether a deployment started the run, not a person.
        check: called before a folder is created; if it raises, nothing is created.

    Raises:
        UnusableInputError: when the folder or its archive is missing and may not be created, or a scheduled run is to
            write into a demo's folder.
        ArchiveError: when the mark cannot be read or written.
    """
    paths, first_start = run.paths, run.settings.first_start
    if paths.root.is_file():
        raise UnusableInputError(f"{paths.root} is a file: set AVATAR_TASKS_DATA_DIR to a folder")
    mark = read_mark(paths)
    if mark is not None:
        if scheduled and mark.kind == "demo":
            msg = f"{paths.storage} was created by `avatar-tasks demo`: set AVATAR_TASKS_DATA_DIR to another folder"
            raise UnusableInputError(msg)
        return
    if not holds_ids(paths):  # a folder with ids and no mark is from a version that wrote none
        _check_it_may_be_created(paths, scheduled=scheduled, first_start=first_start)
        check()
        run.reporter.info(f"created a new data folder at {paths.root}, with its archive at {paths.storage}")
    write_mark(paths, "real", run.started_at)


def _check_it_may_be_created(paths: DataPaths, *, scheduled: bool, first_start: bool | None) -> None:
    if first_start:
        return
    advice = (
        "Mount it, or set AVATAR_TASKS_DATA_DIR to where it is; if this is the first start, create it with "
        "`avatar-tasks collect --first-start` or AVATAR_TASKS_FIRST_START=true. Nothing was changed"
    )
    if was_used(paths):
        msg = f"there is no archive at {paths.storage}, but a warehouse in {paths.root} was derived from one. {advice}"
        raise UnusableInputError(msg)
    if scheduled or first_start is False:
        msg = f"there is no data folder at {paths.root}: {paths.storage} has neither a mark nor answers. {advice}"
        raise UnusableInputError(msg)


def require_archive(paths: DataPaths) -> None:
    """For commands that only read the archive: they never create a data folder.

    Raises:
        UnusableInputError: when there is no archive.
    """
    if read_mark(paths) is None and not holds_ids(paths):
        msg = (
            f"there is no archive at {paths.storage}: mount it, or set AVATAR_TASKS_DATA_DIR to where the data is "
            "(`avatar-tasks collect` creates a new one). Nothing was changed"
        )
        raise UnusableInputError(msg)


def require_warehouse(paths: DataPaths) -> None:
    """For `publish`, which would otherwise publish an empty warehouse.

    Raises:
        UnusableInputError: when there is no warehouse.
    """
    warehouse = warehouse_of(paths)
    if not warehouse.exists():
        msg = f"there is no warehouse at {warehouse.place}: `avatar-tasks rebuild` derives it from the archive"
        raise UnusableInputError(msg)
