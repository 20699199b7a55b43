"""The time of the simulated gateway: it starts behind real time, may run faster, and is never ahead of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def real_time() -> datetime:
    return datetime.now(UTC)


class SimClock:
    """Starts `lag_seconds` behind the real clock, runs `speed` times as fast until it has caught up, then equals it.

    So for an observer who records the real time of an answer, no task ends in the future.
    """

    def __init__(self, lag_seconds: float = 0.0, speed: float = 1.0, *, real: Clock = real_time) -> None:
        if lag_seconds < 0 or speed < 1:
            raise ValueError(f"lag_seconds must be 0 or more and speed 1 or more, not {lag_seconds} and {speed}")
        self._real = real
        self._speed = speed
        self._began = real()
        self._lag = timedelta(seconds=lag_seconds)

    def __call__(self) -> datetime:
        """The simulated current time, aware, in UTC."""
        now = self._real()
        return min(now, self._began - self._lag + (now - self._began) * self._speed)

    def when(self, simulated: datetime) -> datetime:
        """The real instant at which `simulated` is reached."""
        begin = self._began - self._lag
        ahead = self._began + (simulated - begin) / self._speed
        return max(ahead, simulated)

    @property
    def caught_up_at(self) -> datetime | None:
        """The real instant from which both clocks agree; None at speed 1 with a lag."""
        if not self._lag:
            return self._began
        return None if self._speed == 1 else self._began + self._lag / (self._speed - 1)


class ManualClock:
    """A clock that only moves when `advance` is called, for tests."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
