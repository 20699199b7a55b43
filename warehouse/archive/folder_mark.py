"""The mark of an archive identifies the data folder, so that a folder that is not mounted is not taken for a new one.

It is in the archive, because everything else in a data folder can be derived from the archive.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal

from warehouse.archive.parquet import OF_TASKS
from warehouse.archive.segments import Archive
from warehouse.errors import ArchiveError
from warehouse.paths import MARK

if TYPE_CHECKING:
    from datetime import datetime

    from warehouse.paths import DataPaths

NAME: Final = MARK


@dataclass(frozen=True, slots=True)
class Mark:
    """The content of the file.

    Attributes:
        folder_id: 32 hex digits that no other folder has.
        created_at: when the folder was created, ISO 8601, UTC.
        kind: real, or demo: simulated data, replaced by the next demo.
    """

    folder_id: str
    created_at: str
    kind: Literal["real", "demo"]


def read_mark(paths: DataPaths) -> Mark | None:
    """The mark of the archive in use; None if it has none.

    Raises:
        ArchiveError: when it cannot be read.
    """
    place = paths.storage.file(NAME)
    try:
        return Mark(**json.loads(place.read_bytes()))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError) as error:
        msg = f"{place} cannot be read: {error}. It says which data folder this is: restore it from a backup"
        raise ArchiveError(msg) from error


def write_mark(paths: DataPaths, kind: Literal["real", "demo"], now: datetime) -> Mark:
    """Mark the archive; durable when this returns.

    Raises:
        ArchiveError: when it cannot be written.
    """
    mark = Mark(uuid.uuid4().hex, now.isoformat(timespec="seconds"), kind)
    content = json.dumps(asdict(mark)).encode()
    try:
        paths.storage.create(NAME, fill=lambda file: file.write(content))
    except FileExistsError:  # another run was first
        return read_mark(paths) or mark
    except OSError as error:
        msg = f"cannot write to the archive at {paths.storage}: {error.strerror or error}"
        raise ArchiveError(msg) from error
    return mark


def holds_ids(paths: DataPaths) -> bool:
    """Whether the archive has any id or answer.

    Raises:
        ArchiveError: when it cannot be listed.
    """
    store = Archive(paths.storage)
    return any(store.segments(kind) for kind in OF_TASKS)


def was_used(paths: DataPaths) -> bool:
    """Whether there is a warehouse or a published copy, so that an archive must have existed."""
    return paths.warehouse.exists() or paths.published.exists()
