"""When to stop polling a gateway that only fails: a pure state machine that is told the time.

closed ────ten fail in a row────▶ open 30 s ──▶ one probe ──answered──▶ closed
                                      ▲               │
                                      └───── fails, twice as long, up to 300 s

Ten different ids: a failure counts once per id, however often that id is retried (see `Inquirer`).

What the gateway says about one task in its own envelope (HTTP 500, `get_task_failed`) is no outage: the gateway is up,
and that task is broken. Only forty of those in a row may be more, a database that restarts: then it opens for 1, 2, 4
and 8 s, each with a probe. A gateway that still says the same after these 15 s is believed: polling goes on, a few
requests at a time until one succeeds (`is_all_failing`), and for `BELIEVED_SECONDS` no such failure opens it again. So
broken ids alone cost a run 15 s, and a database that is down for an hour is not run over. Ids are polled in random
order, so that a tenth or half of them may be broken and hardly ever forty in a row are (at 80% broken, once in 7,500
ids).

In a row, and not a share of the last few: of a gateway that fails three requests in ten at random, ten of the last
twenty fail 71 times in ten thousand requests, each of which would cost half a minute; ten in a row fail never. Where
six in ten fail it opens 27 times, where nine in ten fail 531 times. (Seeded simulation, tests/promises/test_storms.py.)
"""

import math

FAILURES_TO_OPEN = 10
TASK_FAILURES_TO_OPEN = 40
"""A multiple of `FAILURES_TO_OPEN`: both kinds are added up, each with its weight."""
FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 300.0
PATIENCE_SECONDS = 600.0
"""After so long open in all, the run ends. A second closed makes up for a second open, so that a gateway that is up
most of the time may fail now and then for as long as a run takes."""
FIRST_TASK_PAUSE_SECONDS = 1.0
LONGEST_TASK_PAUSE_SECONDS = 8.0
BELIEVED_SECONDS = 300.0


class Breaker:
    """All times in seconds of one monotonic clock. Refusals are no failures and are not told to it."""

    def __init__(self) -> None:
        self._points = 0
        """Of `TASK_FAILURES_TO_OPEN`, since the last answer."""
        self._task_failures = 0
        """Since the last answer."""
        self._is_open_for_tasks = False
        """Every task was answered with a failure of its own: a database may be down behind a gateway that is up."""
        self._believed_until = -math.inf
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
        """The gateway has failed for many tasks in a row, by its own word: it should not be asked for more at once."""
        return self._task_failures >= TASK_FAILURES_TO_OPEN

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
        if not self.is_open:
            self._points = self._task_failures = 0
        return is_probe

    def failed(self, now: float, *, is_probe: bool, is_about_task: bool = False) -> bool:
        """Whether this opened the breaker; what was sent before it opened is no news once it is open."""
        if is_probe:
            self._probe_failed(now, is_about_task=is_about_task)
            return False
        if self.is_open:
            return False
        self._task_failures += is_about_task
        if not is_about_task:
            self._points += TASK_FAILURES_TO_OPEN // FAILURES_TO_OPEN
        elif now >= self._believed_until:
            self._points += 1
        if self._points < TASK_FAILURES_TO_OPEN:
            return False
        self._open(now, is_about_task=is_about_task)
        return True

    def is_disproved_by_task(self) -> bool:
        """Whether a failure that is about one task shows that the gateway is back."""
        return self.is_open and not self._is_open_for_tasks

    def seconds_open(self, now: float) -> float:
        """In all, less what it has been closed for since."""
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
        elif not is_about_task:  # an outage after all
            self._is_open_for_tasks = False
            self._pause_for(FIRST_PAUSE_SECONDS, now)
        elif self._pause < LONGEST_TASK_PAUSE_SECONDS:
            self._pause_for(self._pause * 2, now)
        else:
            self._close(now)
            self._believed_until = now + BELIEVED_SECONDS

    def _pause_for(self, seconds: float, now: float) -> None:
        """The last pause is cut short, so that patience ends with a probe."""
        self._pause = seconds
        self._probe_at = now + min(seconds, max(PATIENCE_SECONDS - self.seconds_open(now), 0.0))

    def _close(self, now: float) -> None:
        self._open_before = self.seconds_open(now)
        self._opened_at = None
        self._closed_at = now
        self._is_probing = False
        self._points = 0
