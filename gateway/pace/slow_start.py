"""How many requests may be in flight while a gateway refuses none: a pure state machine that is told the time.

Twice as many every round trip, as in TCP, up to `CONCURRENCY`: most gateways do not throttle this endpoint at all.
Past `ALWAYS_WORTH_IT` only while requests do not wait for one another. Where twice as many in flight take twice as long
nothing is gained, whether it is the gateway that is full, the way to it, or this process, and each holds a connection.
So growth stops when a round trip takes three times as long as the shortest. A gateway that has slowed down for reasons
of its own is told from a full one by time: after ten seconds what it could do before is forgotten.

The constants were chosen by simulation against queues, pools of workers and latencies with heavy tails: none is read
more than 2 % more slowly than with everything in flight (tests/gateway/pace/test_slow_start.py holds them to it).
"""

import math

FIRST_IN_FLIGHT = 4
"""So few that a refused key costs a handful of requests."""
ALWAYS_WORTH_IT = 64
"""Up to so many in flight spare a process that is full looks at its sockets."""
CROWDED = 3.0
"""Requests wait for one another when a round trip takes so many times as long as the shortest."""
REMEMBERED_SECONDS = 10.0
"""How long the shortest round trip is believed in, as in BBR."""


class SlowStart:
    """All times in seconds of one monotonic clock.

    Attributes:
        size: the most requests in flight.
    """

    def __init__(self, concurrency: int) -> None:
        self.size = min(FIRST_IN_FLIGHT, concurrency)
        self._concurrency = concurrency
        self._is_crowded = False
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
            self.size = min(self.size + 1, self._concurrency)

    def _begin_round(self) -> None:
        """As many answers as may be in flight: their mean says more than the last few do."""
        self._in_round = self._to_come = self.size
        self._seconds = 0.0

    def _end_round(self, now: float) -> None:
        mean = self._seconds / self._in_round
        if mean <= self._shortest or now - self._shortest_at >= REMEMBERED_SECONDS:
            self._shortest, self._shortest_at = mean, now
        self._is_crowded = mean > CROWDED * self._shortest
        self._begin_round()
