"""Clocks for other processes: one that is wrong, or of another day, and one that a process shares with the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gateway.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized


@dataclass(frozen=True)
class Shifted:
    """Sets the process's clock forward, or back, by so many seconds."""

    seconds: float

    def __call__(self) -> None:
        object.__setattr__(SYSTEM_CLOCK, "now", lambda: datetime.now(UTC) + timedelta(seconds=self.seconds))


#: What was archived until now is then of a day that is over, so that `maintain` may put it together.
DAY_AFTER_TOMORROW = Shifted(2 * 86_400)


@dataclass(frozen=True)
class SharedClock:
    """A clock that stands still until one of the processes that have it sets it."""

    seconds: Synchronized[float]

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.seconds.value, UTC)

    def set(self, to: datetime) -> None:
        self.seconds.value = to.timestamp()
