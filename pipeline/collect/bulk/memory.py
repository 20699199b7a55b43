"""What earlier runs found out about a gateway's bulk answers, in a small file of the data folder.

It saves requests, and nothing depends on it: a file that is missing, damaged or about another gateway is ignored.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, get_args

from warehouse.archive.atomic import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.run import Run

#: `equal`: bulk answers are offered and say the same as single answers. `other`: they are offered and differ.
#: `absent`: they are not offered. `unclear`: the request failed, or the answers could not be compared.
State = Literal["equal", "other", "absent", "unclear"]

#: How long each result is valid.
_VALID: Final[dict[State, timedelta]] = {
    "equal": timedelta(hours=6),
    "other": timedelta(days=1),
    "absent": timedelta(days=1),
    "unclear": timedelta(hours=1),
}


@dataclass(frozen=True, slots=True)
class Remembered:
    """The result of a comparison, and the version of the gateway (X-New-Api-Version)."""

    state: State
    version: str | None = None


class BulkMemory:
    """Reads and writes the file for one run."""

    def __init__(self, run: Run) -> None:
        settings = run.settings
        self._clock = run.clock
        self._gateway = f"{settings.base_url}{settings.task_path}"
        self._file: Path = run.paths.gateways / f"{settings.source}.json"

    def read(self) -> Remembered | None:
        """The stored result; None if there is none that is still valid."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            said = json.loads(self._file.read_text(encoding="utf-8"))
            at, state, version = datetime.fromisoformat(said["at"]), said["bulk"], said["version"]
            is_usable = state in get_args(State) and isinstance(version, str | None)
            if is_usable and said["gateway"] == self._gateway:
                age = self._clock.now() - at
                return Remembered(state, version) if timedelta(0) <= age < _VALID[state] else None
        return None

    def write(self, seen: Remembered) -> None:
        """Store the result; if that fails, the next run compares again."""
        now = self._clock.now().isoformat()
        said = {"gateway": self._gateway, "bulk": seen.state, "version": seen.version, "at": now}
        with contextlib.suppress(OSError), atomic_write(self._file) as file:
            file.write(json.dumps(said).encode())

    def forget(self) -> None:
        """Remove the result, so that the next run compares again."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)
