"""Whether `serve` can do its work: whether the published warehouse can be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from warehouse.backends.choose import reader
from warehouse.errors import ArchiveError, WarehouseError

if TYPE_CHECKING:
    from warehouse.paths import DataPaths


@dataclass(frozen=True, slots=True)
class Health:
    """What `/health` answers.

    Attributes:
        is_well: whether the warehouse can be read.
        stale_seconds: seconds since the end of the last run in the published warehouse; None if there was none.
        problem: why it cannot be read.
    """

    is_well: bool
    stale_seconds: float | None = None
    problem: str | None = None

    def as_dict(self) -> dict[str, Any]:
        if not self.is_well:
            return {"status": "unavailable", "problem": self.problem}
        return {"status": "ok", "seconds_since_last_load": self.stale_seconds}


def health(paths: DataPaths, now: datetime | None = None) -> Health:
    """The health at `now`, by default the current time. An old warehouse counts as healthy; its age is given."""
    try:
        with reader(paths) as con:
            [(last,)] = con.execute("select max(finished_at) from runs").fetchall()
    except (ArchiveError, OSError, WarehouseError) as error:
        return Health(is_well=False, problem=str(error))
    ago = None if last is None else ((now or datetime.now(UTC)) - last).total_seconds()
    return Health(is_well=True, stale_seconds=ago)
