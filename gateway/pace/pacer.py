"""How fast to poll: a pure state machine; the time is passed in, and it returns how long to wait.

"Refused" is short for rate-limited: answered with 429 or a throttling 503.

There are two phases. Until a gateway first refuses a request, the number in flight doubles every round trip, up to
`CONCURRENCY` (see `slow_start`). From the first refusal on there is a rate: a refusal lowers it, at most once per round
trip, and successes raise it by a share of itself per second, fast below the last cut and slowly above it. `RATE` is a
hard cap in both phases (see `HardCap`).

How far the rate falls: a limiter that refuses is exhausted. So the number of requests it let in between two refusals,
divided by the time between them, is its limit, whether it is a token bucket or a window. The rate falls to just below
that, but never below 0.7 of its value, because a period with nothing to send would look like a low limit.

If a gateway does not say how long to wait, the first pause is the time between two requests at the current rate, at
most a second. It doubles each time nothing is let in, up to five seconds; meanwhile one request at a time is sent.

The constants were chosen by simulation against token buckets and windows of 5 to 200 requests a second, deep and
shallow; tests/gateway/pace/test_pacing.py checks the result. If a limiter has room for a single request and requests
overtake each other on the way, no rate with few refusals uses more than a small part of the limit.
"""

import math
import random
from collections import deque

from gateway.pace.slow_start import SlowStart

LEAST_IN_FLIGHT = 2
CUT = 0.7
JUST_BELOW = 0.97
"""The new rate as a share of what the limiter let in."""
ENOUGH_LET_IN = 10
"""With fewer than this let in, the limit cannot be estimated."""
LONGEST_OWN_PAUSE_SECONDS = 5.0
"""Used if the gateway does not say how long to wait."""
RISE_BELOW_LAST_CUT = 0.25
"""Growth of the rate per second, as a share of itself, while it is below nine tenths of the last cut."""
RISE_AT_LAST_CUT = 0.01
RISE_ABOVE_LAST_CUT = 0.1
"""Growth per second when the last cut was `BOLD_AFTER_SECONDS` ago or earlier."""
BOLD_AFTER_SECONDS = 30.0
LEAST_RATE = 0.2
"""Requests a second; a gateway that refuses everything is still polled this often."""
CATCH_UP_SECONDS = 0.02
"""How much delay is made up for by sending sooner: timers are late by milliseconds."""
LEAST_MEASURED_SECONDS = 0.5
"""The send rate is measured over the last round trip, or over this long if that is longer."""
SMOOTHING = 0.125
"""The weight of a new latency in the smoothed one, as in TCP."""


class HardCap:
    """`RATE`: at most `ceil(rate)` requests in any `ceil(rate) / rate` seconds (one second, if the rate is whole)."""

    def __init__(self, rate: float) -> None:
        self._sent: deque[float] = deque(maxlen=math.ceil(rate))
        self._window_seconds = math.ceil(rate) / rate

    def opens_at(self) -> float:
        """The earliest time at which another request may be sent."""
        if len(self._sent) < (self._sent.maxlen or 1):
            return -math.inf
        return math.nextafter(self._sent[0] + self._window_seconds, math.inf)

    def sent(self, now: float) -> None:
        self._sent.append(now)


class Pacer:
    """Decides when requests may be sent. Times are in seconds of one monotonic clock, rates in requests per second."""

    def __init__(self, concurrency: int, rate_cap: float | None, rng: random.Random) -> None:
        self.in_flight = 0
        self.rate: float | None = None
        """None until the first refusal."""
        self._concurrency = concurrency
        self._rate_cap = rate_cap
        self._hard_cap = None if rate_cap is None else HardCap(rate_cap)
        self._rng = rng
        self._slow_start = SlowStart(concurrency)
        self._latency: float | None = None
        self._next_send_at = -math.inf
        self._paused_until = -math.inf
        self._cut_at = -math.inf
        self._cut_from = math.inf
        self._is_shut = False
        """Whether nothing has been let in since the last cut."""
        self._let_in = 0
        self._used_up_at = -math.inf
        """When the limiter was last known to be exhausted; `_let_in` counts from then."""
        self._own_pause = 0.0
        self._recent: deque[float] = deque(maxlen=4096)

    def wait(self, now: float) -> float:
        """Seconds until the next request may be sent: 0 means now, infinity means when another has returned."""
        if self.in_flight >= self.limit:
            return math.inf
        earliest = max(self._next_send_at, self._paused_until)
        if self._hard_cap is not None:
            earliest = max(earliest, self._hard_cap.opens_at())
        return max(0.0, earliest - now)

    @property
    def limit(self) -> int:
        """Maximum number in flight: the slow start's window, later 2 * rate * latency; 1 while all are refused."""
        if self.rate is None or self._latency is None:
            return self._slow_start.size
        if self._is_shut:
            return 1
        wanted = math.ceil(2 * self.rate * self._latency)
        return min(max(wanted, LEAST_IN_FLIGHT), self._concurrency)

    def sent(self, now: float) -> None:
        self.in_flight += 1
        if self._hard_cap is not None:
            self._hard_cap.sent(now)
        self._space(now)
        if self.rate is None:
            self._recent.append(now)

    def returned(self) -> None:
        """Record that a request has ended, with success or failure."""
        self.in_flight -= 1

    def answered(self, now: float, latency: float) -> None:
        """Record a success: update the smoothed latency, and raise the window or the rate."""
        self._learn(latency)
        self._is_shut = False
        self._let_in += 1
        if self.rate is None:
            self._slow_start.answered(now, latency)
        else:
            self.rate = min(self.rate + self._rise(now), self._ceiling())

    def failed(self) -> None:
        """Record a failure, of the gateway or of one id."""
        self._slow_start.failed()

    def refused(self, now: float, sent_at: float, pause: float | None) -> None:
        """Record a 429 or a throttling 503: pause all sending, and lower the rate unless it fell after this was sent.

        Args:
            now: the time.
            sent_at: when the request was sent.
            pause: the gateway's Retry-After in seconds; None if it gave none.
        """
        if sent_at > self._cut_at:
            if self._latency is None:
                self._learn(now - sent_at)
            self._cut(now)
        self._pause(now, self._own_pause if pause is None else pause)

    def _pause(self, now: float, seconds: float) -> None:
        self._paused_until = max(self._paused_until, now + seconds * (1 + self._rng.random() / 10))

    def _cut(self, now: float) -> None:
        """Lower the rate. A refusal without a success since the last one says nothing about the limit: only pause."""
        self._cut_at = now
        if self._is_shut:
            self._own_pause = min(2 * self._own_pause, LONGEST_OWN_PAUSE_SECONDS)
            return
        self.rate = self._measured(now) * CUT if self.rate is None else self._just_below(self.rate, now)
        self.rate = max(self.rate, LEAST_RATE)
        self._own_pause = min(1 / self.rate, 1.0)
        self._let_in, self._used_up_at, self._is_shut = 0, now, True

    def _just_below(self, rate: float, now: float) -> float:
        """The new rate after a refusal at `rate`."""
        self._cut_from = rate
        if self._let_in < ENOUGH_LET_IN:
            return rate * CUT
        lets_in = self._let_in / max(now - self._used_up_at, 0.001)
        lower = max(rate * CUT, JUST_BELOW * min(rate, lets_in))
        self._cut_from = min(rate, max(lets_in, lower))
        return lower

    def start_slowly(self) -> None:
        """Begin again with few requests in flight, e.g. after an outage; the rate is kept."""
        self._slow_start = SlowStart(self._concurrency)

    def _space(self, now: float) -> None:
        rate = self.rate if self._rate_cap is None else min(self.rate or math.inf, self._rate_cap)
        if rate is not None:
            self._next_send_at = max(self._next_send_at, now - CATCH_UP_SECONDS) + 1 / rate

    def _learn(self, latency: float) -> None:
        self._latency = latency if self._latency is None else self._latency + SMOOTHING * (latency - self._latency)

    def _rise(self, now: float) -> float:
        """What one success adds to the rate: with `rate` successes per second, it is the relative growth per second."""
        if self.rate is not None and self.rate < 0.9 * self._cut_from:
            return RISE_BELOW_LAST_CUT
        boldness = min((now - self._cut_at) / BOLD_AFTER_SECONDS, 1.0)
        return RISE_AT_LAST_CUT + boldness**2 * (RISE_ABOVE_LAST_CUT - RISE_AT_LAST_CUT)

    def _ceiling(self) -> float:
        """The highest useful rate: `RATE`, or twice what `concurrency` requests in flight can reach, if lower."""
        attainable = 2 * self._concurrency / max(self._latency or 0.0, 0.001)
        return attainable if self._rate_cap is None else min(attainable, self._rate_cap)

    def _measured(self, now: float) -> float:
        """Requests sent per second, over the last round trip or half a second, whichever is longer."""
        horizon = max(LEAST_MEASURED_SECONDS, self._latency or 0.0)
        recent = [at for at in self._recent if at >= now - horizon]
        return len(recent) / max(now - recent[0], self._latency or 0.0, 0.001) if recent else LEAST_RATE
