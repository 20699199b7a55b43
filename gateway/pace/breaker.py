"""When to stop polling a gateway that only fails: a pure state machine; the time is passed in.

closed ────ten fail in a row────▶ open 30 s ──▶ one probe ──answered──▶ closed
                                      ▲               │
                                      └───── fails, twice as long, up to 300 s

Ten different ids: a failure counts once per id, however often that id is retried (see `gateway/poller.py`).

An error about one task in the gateway's own envelope (HTTP 500, `get_task_failed`) is not an outage: the gateway is up,
and that task is broken. Only forty of those in a row may mean more, such as a database that restarts: then the breaker
opens for 1, 2, 4 and 8 s, each followed by a probe. If the gateway still answers the same after these 15 s, the tasks
themselves are considered broken: polling continues with few requests at a time until one succeeds (`is_all_failing`),
and for `TRUSTED_SECONDS` no such failure opens the breaker again. So broken ids alone cost a run 15 s, and a database
that is down for an hour is not flooded. Ids are polled in random order, so even if half of them are broken, there are
hardly ever forty of those in a row (with 80% broken, once in 7,500 ids).

Consecutive failures are counted, not a share of the last few: if a gateway fails 30% of requests at random, "ten of the
last twenty" happens 71 times in ten thousand requests, and each time would cost half a minute; ten in a row never
happens. At 60% the breaker opens 27 times, at 90% 531 times. (Seeded simulation, tests/promises/test_storms.py.)
"""

import math

FAILURES_TO_OPEN = 10
TASK_FAILURES_TO_OPEN = 40
"""A multiple of `FAILURES_TO_OPEN`: both kinds of failure are added up, weighted."""
FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 300.0
PATIENCE_SECONDS = 600.0
"""The run ends when the breaker has been open for this long in total. Each second closed offsets a second open, so a
gateway that is up most of the time does not end a long run by failing now and then."""
FIRST_TASK_PAUSE_SECONDS = 1.0
LONGEST_TASK_PAUSE_SECONDS = 8.0
TRUSTED_SECONDS = 300.0


class Breaker:
    """All times are in seconds of one monotonic clock. Rate-limited requests (429) are not reported as failures."""

    def __init__(self) -> None:
        self._points = 0
        """Weighted failures since the last success; the breaker opens at `TASK_FAILURES_TO_OPEN`."""
        self._task_failures = 0
        """Errors about single tasks since the last success."""
        self._is_open_for_tasks = False
        """It opened because every task failed individually: the database behind the gateway may be down."""
        self._trusted_until = -math.inf
        self._opened_at: float | None = None
        self._probe_at = -math.inf
        self._pause = FIRST_PAUSE_SECONDS
        self._is_probing = False
        self._open_before = 0.0
        self._closed_at = 0.0

    @property
    def is_open(self) -> bool:
        return self._opened_at is not None

    @property
    def is_all_failing(self) -> bool:
        """Whether the gateway has reported errors for many tasks in a row, so that it must not be polled faster."""
        return self._task_failures >= TASK_FAILURES_TO_OPEN

    def wait(self, now: float) -> float:
        """Seconds until a request may be sent: 0 means now, infinity means once the probe has returned."""
        if not self.is_open:
            return 0.0
        return math.inf if self._is_probing else max(0.0, self._probe_at - now)

    def sent(self) -> bool:
        """Record that a request is being sent; returns whether it is the probe."""
        self._is_probing = self.is_open
        return self._is_probing

    def lost(self) -> None:
        """The probe was cancelled: the next request becomes the probe."""
        self._is_probing = False

    def succeeded(self, now: float, *, is_probe: bool) -> bool:
        """Record an answer; returns whether it closed the breaker."""
        if is_probe:
            self._close(now)
        if not self.is_open:
            self._points = self._task_failures = 0
        return is_probe

    def failed(self, now: float, *, is_probe: bool, is_about_task: bool = False) -> bool:
        """Record a failure; returns whether it opened the breaker. While open, only the probe's failure counts."""
        if is_probe:
            self._probe_failed(now, is_about_task=is_about_task)
            return False
        if self.is_open:
            return False
        self._task_failures += is_about_task
        if not is_about_task:
            self._points += TASK_FAILURES_TO_OPEN // FAILURES_TO_OPEN
        elif now >= self._trusted_until:
            self._points += 1
        if self._points < TASK_FAILURES_TO_OPEN:
            return False
        self._open(now, is_about_task=is_about_task)
        return True

    def is_disproved_by_task(self) -> bool:
        """Whether an error about a single task would show that the gateway is up again."""
        return self.is_open and not self._is_open_for_tasks

    def seconds_open(self, now: float) -> float:
        """Total seconds open, minus the seconds closed in between, at least 0."""
        if self._opened_at is None:
            return max(0.0, self._open_before - (now - self._closed_at))
        return self._open_before + now - self._opened_at

    def _open(self, now: float, *, is_about_task: bool) -> None:
        self._open_before = self.seconds_open(now)
        self._opened_at = now
        self._is_open_for_tasks = is_about_task
        self._pause_for(FIRST_TASK_PAUSE_SECONDS if is_about_task else FIRST_PAUSE_SECONDS, now)

    def _probe_failed(self, now: float, *, is_about_task: bool) -> None:
        self._is_probing = False
        if not self._is_open_for_tasks:
            self._pause_for(min(self._pause * 2, LONGEST_PAUSE_SECONDS), now)
        elif not is_about_task:  # it is an outage after all
            self._is_open_for_tasks = False
            self._pause_for(FIRST_PAUSE_SECONDS, now)
        elif self._pause < LONGEST_TASK_PAUSE_SECONDS:
            self._pause_for(self._pause * 2, now)
        else:
            self._close(now)
            self._trusted_until = now + TRUSTED_SECONDS

    def _pause_for(self, seconds: float, now: float) -> None:
        """The last pause is shortened so that a probe is sent just before patience runs out."""
        self._pause = seconds
        self._probe_at = now + min(seconds, max(PATIENCE_SECONDS - self.seconds_open(now), 0.0))

    def _close(self, now: float) -> None:
        self._open_before = self.seconds_open(now)
        self._opened_at = None
        self._closed_at = now
        self._is_probing = False
        self._points = 0
