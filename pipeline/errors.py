"""The errors that end a command, and their exit codes.

AvatarTasksError          1  unexpected
├── UnusableInputError    2  ids or settings that cannot be used
├── KeyRefusedError       3  the gateway refused the key
├── NotLoadedError        4  collected and archived, not loaded: the warehouse is locked, full, damaged or outdated
└── UnreachableError      5  too much of the batch could not be reached

`status` also ends with 6, without an error: a condition of --fail-if holds.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from gateway.errors import GatewayError
from warehouse.errors import (
    CANNOT_LOAD,
    AnalysisFileError,
    ArchiveError,
    EnvironmentFileError,
    NothingPublishedError,
    SharingError,
)

_UNUSABLE: Final = (
    AnalysisFileError,
    ArchiveError,
    EnvironmentFileError,
    NothingPublishedError,
    SharingError,
    GatewayError,
)


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    UNEXPECTED = 1
    UNUSABLE_INPUT = 2
    KEY_REFUSED = 3
    NOT_LOADED = 4
    UNREACHABLE = 5
    CONDITION_HOLDS = 6


#: If several runs are summarised, the exit code that comes first here counts.
WORST_FIRST: Final = (
    ExitCode.UNEXPECTED,
    ExitCode.UNUSABLE_INPUT,
    ExitCode.KEY_REFUSED,
    ExitCode.UNREACHABLE,
    ExitCode.NOT_LOADED,
    ExitCode.DONE,
)


class AvatarTasksError(Exception):
    """Base of the errors that end a command; the message is one line that says what to do."""

    exit_code = ExitCode.UNEXPECTED


class UnusableInputError(AvatarTasksError):
    """Ids or settings that cannot be used."""

    exit_code = ExitCode.UNUSABLE_INPUT


class KeyRefusedError(AvatarTasksError):
    """The gateway refused the key."""

    exit_code = ExitCode.KEY_REFUSED


class NotLoadedError(AvatarTasksError):
    """Collected and archived, but not loaded: the warehouse is locked, full, damaged or outdated."""

    exit_code = ExitCode.NOT_LOADED


class UnreachableError(AvatarTasksError):
    """Too large a share of the ids could not be reached."""

    exit_code = ExitCode.UNREACHABLE


def exit_code_of(error: Exception) -> ExitCode:
    """The exit code of a command that this error ends."""
    if isinstance(error, AvatarTasksError):
        return error.exit_code
    if isinstance(error, _UNUSABLE):
        return ExitCode.UNUSABLE_INPUT
    return ExitCode.NOT_LOADED if isinstance(error, CANNOT_LOAD) else ExitCode.UNEXPECTED


def error_for(code: ExitCode) -> type[AvatarTasksError]:
    """The class of error that ends a command with `code`."""
    return next((one for one in AvatarTasksError.__subclasses__() if one.exit_code == code), AvatarTasksError)
