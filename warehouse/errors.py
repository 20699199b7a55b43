"""What can go wrong between the archive and the readers.

WarehouseError
├── WarehouseLockedError       another process has locked the warehouse; nothing is lost, the next run loads it
├── WarehouseDamagedError      the file is not a warehouse, or is damaged: `avatar-tasks rebuild` recreates it
│   └── WarehouseOutdatedError   it is intact, but of another version of avatar-tasks: run `avatar-tasks rebuild`
├── WarehouseFullError         the disk is full; nothing is lost, the next run loads it
├── WarehouseUnwritableError   its folder cannot be written to; nothing is lost, the next run loads it
│   └── SharingError             the files for readers cannot be given to the group
├── ExtensionMissingError      an extension of DuckDB is neither installed nor available
├── LakeError                  the lake cannot be reached, or its catalog is not that of a lake
├── ArchiveError               the archive cannot be written or read
│   ├── LossError                it lacks segments that the warehouse was derived from
│   └── RetentionRefusedError    retention would drop everything, or ids that are still polled
├── AnalysisFileError          analysis.toml cannot be used
├── EnvironmentFileError       .env cannot be read
└── NothingPublishedError      there is no published warehouse yet
"""

from __future__ import annotations

from typing import Final


class WarehouseError(Exception):
    """Base of all errors of this package; the message says what to do."""


class WarehouseLockedError(WarehouseError):
    """The lock on the warehouse was not obtained within the time allowed."""


class WarehouseDamagedError(WarehouseError):
    """The warehouse file cannot be opened, or turned out to be damaged while it was used."""


class WarehouseOutdatedError(WarehouseDamagedError):
    """A table of the warehouse file has other columns than in this version."""


class WarehouseFullError(WarehouseError):
    """There is no space for the warehouse: on the disk, or in memory and temporary files together."""


class WarehouseUnwritableError(WarehouseError):
    """The warehouse's folder cannot be written to."""


class SharingError(WarehouseUnwritableError):
    """The files that readers open cannot be made readable for the group of the data folder."""


class ExtensionMissingError(WarehouseError):
    """An extension of DuckDB is neither installed as a package nor available from its repository."""


class LakeError(WarehouseError):
    """The lake cannot be reached: its catalog does not answer, or its data cannot be written or read."""


class ArchiveError(WarehouseError):
    """The archive cannot be written or read."""


class LossError(ArchiveError):
    """The archive lacks segments that the warehouse was derived from: a rebuild would lose their rows."""


class RetentionRefusedError(ArchiveError):
    """Retention would drop everything, or ids that are still polled, or relies on a clock that may be wrong."""


class AnalysisFileError(WarehouseError):
    """`analysis.toml` cannot be used."""


class EnvironmentFileError(WarehouseError):
    """The file `.env` with settings cannot be read."""


class NothingPublishedError(WarehouseError):
    """No warehouse has been published yet."""


#: Errors that prevent loading or publishing, but not collecting: the archive keeps the answers, and the next run that
#: can load them does.
CANNOT_LOAD: Final = (
    WarehouseLockedError,
    WarehouseDamagedError,
    WarehouseFullError,
    WarehouseUnwritableError,
    LakeError,
)
