"""How many requests may be in flight while a gateway refuses none: a pure state machine; the time is passed in.

The number doubles every round trip, as in TCP, up to `CONCURRENCY`: most gateways do not throttle this endpoint at all.
Past `ALWAYS_WORTH_IT` it grows only while requests do not queue behind one another. If twice as many in flight take
twice as long, nothing is gained, whether the gateway, the network or this process is the bottleneck, and each one holds
a connection. So growth stops when a round trip takes three times as long as the shortest. To tell a gateway that has
become slower from a saturated one, the shortest round trip is discarded after ten seconds.

The constants were chosen by simulation against queues, pools of workers and latencies with heavy tails: none is polled
more than 2% more slowly than with everything in flight (tests/gateway/pace/test_slow_start.py holds them to it).
"""

import math

FIRST_IN_FLIGHT = 4
"""Few, so that a refused key costs only a handful of requests."""
ALWAYS_WORTH_IT = 64
"""Up to this many in flight, a process at full load polls its sockets less often per answer."""
CROWDED = 3.0
"""Requests are taken to queue behind one another when a round trip is this many times the shortest."""
REMEMBERED_SECONDS = 10.0
"""How long the shortest round trip is valid, as in BBR."""


class SlowStart:
    """All times in seconds of one monotonic clock.

    Attributes:
        size: the most requests in flight.
    """

    def __init__(self, concurrency: int) -> None:
        self.size = min(FIRST_IN_FLIGHT, concurrency)
        self._concurrency = concurrency
        self._is_crowded = False
        self._failures = 0
        """Since the last success; few, because the breaker opens and begins again after ten in a row."""
        self._shortest = math.inf
        self._shortest_at = -math.inf
        self._begin_round()

    def answered(self, now: float, latency: float) -> None:
        """A success."""
        self._seconds += latency
        self._to_come -= 1
        if self._to_come == 0:
            self._end_round(now)
        if self.size < ALWAYS_WORTH_IT or not self._is_crowded:
            self.size = min(self.size + 1 + self._failures, self._concurrency)
        self._failures = 0

    def failed(self) -> None:
        """A failure that may concern the gateway or one id."""
        self._failures += 1

    def _begin_round(self) -> None:
        """A round is as many answers as may be in flight: their mean is steadier than the last few."""
        self._in_round = self._to_come = self.size
        self._seconds = 0.0

    def _end_round(self, now: float) -> None:
        mean = self._seconds / self._in_round
        if mean <= self._shortest or now - self._shortest_at >= REMEMBERED_SECONDS:
            self._shortest, self._shortest_at = mean, now
        self._is_crowded = mean > CROWDED * self._shortest
        self._begin_round()
