"""What can go wrong between the archive and the readers.

WarehouseError
├── WarehouseLockedError       somebody else has locked the warehouse; nothing is lost, the next run loads it
├── WarehouseDamagedError      the file is no warehouse, or not whole: `avatar-tasks rebuild` recreates it
│   └── WarehouseOutdatedError   it is whole, but of another version of avatar-tasks: the same remedy
├── WarehouseFullError         the disk has no room; nothing is lost, the next run loads it
├── WarehouseUnwritableError   its folder cannot be written to; likewise
│   └── SharingError             what readers open cannot be given to the group; likewise
├── ExtensionMissingError      an extension of DuckDB is neither installed nor available
├── LakeError                  the lake cannot be reached, or its catalog is no lake
├── ArchiveError               the archive cannot be written or read
│   ├── LossError                it lacks what the warehouse was made from
│   └── RetentionRefusedError    what is to be dropped is all there is, or still in use
├── AnalysisFileError          analysis.toml cannot be used
├── EnvironmentFileError       .env cannot be read
└── NothingPublishedError      there is no published warehouse yet
"""

from __future__ import annotations

from typing import Final


class WarehouseError(Exception):
    """Base of all errors of this package; the message says what to do."""


class WarehouseLockedError(WarehouseError):
    """The warehouse's lock did not come within the wait."""


class WarehouseDamagedError(WarehouseError):
    """The warehouse file cannot be opened, or turned out to be damaged while it was used."""


class WarehouseOutdatedError(WarehouseDamagedError):
    """A table of the warehouse file has other columns than this version's."""


class WarehouseFullError(WarehouseError):
    """There is no room for the warehouse: on the disk, or in memory and in temporary files together."""


class WarehouseUnwritableError(WarehouseError):
    """The warehouse's folder cannot be written to."""


class SharingError(WarehouseUnwritableError):
    """What readers open cannot be made readable for the group of the data folder."""


class ExtensionMissingError(WarehouseError):
    """An extension of DuckDB is neither installed as a package nor available from its repository."""


class LakeError(WarehouseError):
    """The lake cannot be reached: its catalog does not answer, or its data cannot be written or read."""


class ArchiveError(WarehouseError):
    """The archive cannot be written or read."""


class LossError(ArchiveError):
    """The archive lacks what the warehouse was made from: derived again, the tables would lose it."""


class RetentionRefusedError(ArchiveError):
    """What retention would drop is all there is, is still polled, or is old by a clock that may be wrong."""


class AnalysisFileError(WarehouseError):
    """`analysis.toml` cannot be used."""


class EnvironmentFileError(WarehouseError):
    """The file `.env` with settings cannot be read."""


class NothingPublishedError(WarehouseError):
    """No warehouse has been published yet."""


#: What keeps a command from loading or publishing, and a run not from collecting: what is archived is kept, and loaded
#: by the next run that can.
CANNOT_LOAD: Final = (
    WarehouseLockedError,
    WarehouseDamagedError,
    WarehouseFullError,
    WarehouseUnwritableError,
    LakeError,
)
