"""A clock that is wrong, or that of another day, in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.clock import SYSTEM_CLOCK


@dataclass(frozen=True)
class Shifted:
    """Sets the process's clock forward, or back, by so many seconds."""

    seconds: float

    def __call__(self) -> None:
        object.__setattr__(SYSTEM_CLOCK, "now", lambda: datetime.now(UTC) + timedelta(seconds=self.seconds))


#: What was archived until now is then of a day that is over, so that `maintain` may put it together.
DAY_AFTER_TOMORROW = Shifted(2 * 86_400)
