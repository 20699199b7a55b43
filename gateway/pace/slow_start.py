"""How many requests may be in flight while a gateway refuses none: a pure state machine; the time is passed in.

The number doubles every round trip, as in TCP, up to `CONCURRENCY`: most gateways do not throttle this endpoint at all.
Above `ALWAYS_WORTH_IT` it grows only while requests do not queue behind one another. If twice as many in flight take
twice as long, nothing is gained, whether the gateway, the network or this process is the bottleneck, and each one needs
a connection. So growth stops when a round trip takes three times as long as the shortest. To distinguish a gateway that
has become slower from a saturated one, the shortest round trip is forgotten after ten seconds.

The constants were chosen by simulation against queues, pools of workers and latencies with heavy tails: each of these
is polled at most 2% more slowly than with all requests in flight (tests/gateway/pace/test_slow_start.py checks it).
"""

import math

FIRST_IN_FLIGHT = 4
"""Few, so that a refused key costs only a handful of requests."""
ALWAYS_WORTH_IT = 64
"""Up to this many in flight, every further one makes a process at full load poll its sockets less often per answer."""
CROWDED = 3.0
"""If a round trip takes this many times the shortest, requests are assumed to queue behind one another."""
REMEMBERED_SECONDS = 10.0
"""How long the shortest round trip is valid, as in BBR."""


class SlowStart:
    """All times are in seconds of one monotonic clock.

    Attributes:
        size: maximum number of requests in flight.
    """

    def __init__(self, concurrency: int) -> None:
        self.size = min(FIRST_IN_FLIGHT, concurrency)
        self._concurrency = concurrency
        self._is_crowded = False
        self._failures = 0
        """Failures since the last success: few, because after ten in a row the breaker opens and this starts again."""
        self._shortest = math.inf
        self._shortest_at = -math.inf
        self._begin_round()

    def answered(self, now: float, latency: float) -> None:
        """Record a success and its latency."""
        self._seconds += latency
        self._to_come -= 1
        if self._to_come == 0:
            self._end_round(now)
        if self.size < ALWAYS_WORTH_IT or not self._is_crowded:
            self.size = min(self.size + 1 + self._failures, self._concurrency)
        self._failures = 0

    def failed(self) -> None:
        """Record a failure, of the gateway or of one id."""
        self._failures += 1

    def _begin_round(self) -> None:
        """Begin a round of as many answers as may be in flight: their mean varies less than that of the last few."""
        self._in_round = self._to_come = self.size
        self._seconds = 0.0

    def _end_round(self, now: float) -> None:
        mean = self._seconds / self._in_round
        if mean <= self._shortest or now - self._shortest_at >= REMEMBERED_SECONDS:
            self._shortest, self._shortest_at = mean, now
        self._is_crowded = mean > CROWDED * self._shortest
        self._begin_round()
