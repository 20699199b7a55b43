"""When to stop asking a gateway that only fails: a pure state machine that is told the time.

closed ────ten fail in a row────▶ open 30 s ──▶ one probe ──answered──▶ closed
                                      ▲               │
                                      └───── fails, twice as long, up to 300 s

In a row, and not a share of the last few: of a gateway that fails three requests in ten at random, ten of the last
twenty fail 71 times in ten thousand requests, each of which would cost half a minute; ten in a row fail never. Where
six in ten fail it opens 27 times, where nine in ten fail 531 times. (Seeded simulation, tests/promises/test_storms.py.)
"""

import math

FAILURES_TO_OPEN = 10
FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 300.0
PATIENCE_SECONDS = 600.0
"""After so long open in all, the run ends. A second closed makes up for a second open, so that a gateway that is up
most of the time may fail now and then for as long as a run takes."""


class Breaker:
    """All times in seconds of one monotonic clock. Refusals are no failures and are not told to it."""

    def __init__(self) -> None:
        self._failed_in_a_row = 0
        self._opened_at: float | None = None
        self._probe_at = -math.inf
        self._pause = FIRST_PAUSE_SECONDS
        self._is_probing = False
        self._open_before = 0.0
        self._closed_at = 0.0

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
            self._failed_in_a_row = 0
        return is_probe

    def failed(self, now: float, *, is_probe: bool) -> bool:
        """Whether this opened the breaker; what was sent before it opened is no news once it is open."""
        if is_probe:
            self._pause_again(now)
        elif not self.is_open:
            self._failed_in_a_row += 1
            if self._failed_in_a_row >= FAILURES_TO_OPEN:
                self._open(now)
                return True
        return False

    def seconds_open(self, now: float) -> float:
        """In all, less what it has been closed for since."""
        if self._opened_at is None:
            return max(0.0, self._open_before - (now - self._closed_at))
        return self._open_before + now - self._opened_at

    def _open(self, now: float) -> None:
        self._open_before = self.seconds_open(now)
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
        self._closed_at = now
        self._is_probing = False
        self._failed_in_a_row = 0
