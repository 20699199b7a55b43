"""When to stop asking a gateway that only fails: a pure state machine that is told the time.

closed ──ten of the last twenty fail──▶ open 30 s ──▶ one probe ──answered──▶ closed
                                          ▲               │
                                          └───── fails, twice as long, up to 300 s
"""

import math
from collections import deque

REMEMBERED_ATTEMPTS = 20
FAILURES_TO_OPEN = 10
FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 300.0
PATIENCE_SECONDS = 600.0
"""After so long open in all, the run ends."""


class Breaker:
    """All times in seconds of one monotonic clock. Refusals are no failures and are not told to it."""

    def __init__(self) -> None:
        self._failed: deque[bool] = deque(maxlen=REMEMBERED_ATTEMPTS)
        self._opened_at: float | None = None
        self._probe_at = -math.inf
        self._pause = FIRST_PAUSE_SECONDS
        self._is_probing = False
        self._open_before = 0.0

    @property
    def is_open(self) -> bool:
        return self._opened_at is not None

    def wait(self, now: float) -> float:
        """Seconds until a request may go: 0 is now, infinity is when the probe has returned."""
        if not self.is_open:
            return 0.0
        return math.inf if self._is_probing else max(0.0, self._probe_at - now)

    def sent(self) -> bool:
        """Whether the request that goes now is the probe."""
        self._is_probing = self.is_open
        return self._is_probing

    def lost(self) -> None:
        """The probe was cancelled: the next request is one."""
        self._is_probing = False

    def succeeded(self, now: float, *, is_probe: bool) -> bool:
        """Whether this closed the breaker."""
        if is_probe:
            self._close(now)
        elif not self.is_open:
            self._failed.append(False)
        return is_probe

    def failed(self, now: float, *, is_probe: bool) -> bool:
        """Whether this opened the breaker; what was sent before it opened is no news once it is open."""
        if is_probe:
            self._pause_again(now)
        elif not self.is_open:
            self._failed.append(True)
            if sum(self._failed) >= FAILURES_TO_OPEN:
                self._open(now)
                return True
        return False

    def seconds_open(self, now: float) -> float:
        """In all, from the first opening on."""
        return self._open_before + (0.0 if self._opened_at is None else now - self._opened_at)

    def _open(self, now: float) -> None:
        self._opened_at = now
        self._pause = FIRST_PAUSE_SECONDS
        self._probe_at = self._next_probe(now)

    def _pause_again(self, now: float) -> None:
        self._is_probing = False
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        self._probe_at = self._next_probe(now)

    def _next_probe(self, now: float) -> float:
        """The last pause is cut short, so that patience ends with a probe."""
        return now + min(self._pause, max(PATIENCE_SECONDS - self.seconds_open(now), 0.0))

    def _close(self, now: float) -> None:
        self._open_before = self.seconds_open(now)
        self._opened_at = None
        self._is_probing = False
        self._failed.clear()
