"""How many are in flight beside simulated gateways that refuse nothing, in seeded virtual time."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from gateway.pace.slow_start import FIRST_IN_FLIGHT, SlowStart

Gateway = Callable[[float, int], float]
"""When a request is answered that is sent at a time beside so many others."""


def far_away(seconds: float, rng: random.Random) -> Gateway:
    """One that is never full."""
    return lambda now, _: now + seconds * rng.uniform(0.8, 1.3)


def heavy_tailed(median: float, sigma: float, rng: random.Random) -> Gateway:
    """One that is never full, and now and then takes many times as long."""
    return lambda now, _: now + median * rng.lognormvariate(0, sigma)


def one_after_the_other(delay: float, rate: float, rng: random.Random) -> Gateway:
    """One that answers `rate` requests a second, `delay` away."""
    free_at = 0.0

    def answered_at(now: float, _: int) -> float:
        nonlocal free_at
        free_at = max(free_at, now + delay / 2 * rng.uniform(0.8, 1.3)) + 1 / rate
        return free_at + delay / 2

    return answered_at


def pool(workers: int, seconds: float, rng: random.Random) -> Gateway:
    """One with so many workers, each of which takes so long for a request."""
    free_at = [0.0] * workers

    def answered_at(now: float, _: int) -> float:
        done_at = max(heapq.heappop(free_at), now) + seconds * rng.uniform(0.5, 1.5)
        heapq.heappush(free_at, done_at)
        return done_at

    return answered_at


def shared(seconds: float, at: int, rng: random.Random) -> Gateway:
    """One that takes twice as long when `at` requests are in flight, three times with twice as many."""
    return lambda now, in_flight: now + seconds * (1 + in_flight / at) * rng.uniform(0.8, 1.3)


@dataclass
class Seen:
    """What a run looked like."""

    seconds: float
    most_in_flight: int


def ask(gateway: Gateway, requests: int, slow_start: SlowStart, began: float = 0.0) -> Seen:
    """So many requests, as many in flight as may be."""
    now, left, most = began, requests, 0
    in_flight: list[tuple[float, float]] = []
    while left or in_flight:
        while left and len(in_flight) < slow_start.size:
            heapq.heappush(in_flight, (gateway(now, len(in_flight)), now))
            left -= 1
        most = max(most, len(in_flight))
        now, sent_at = heapq.heappop(in_flight)
        slow_start.answered(now, now - sent_at)
    return Seen(now - began, most)


class Headlong(SlowStart):
    """Doubles up to `CONCURRENCY` whatever happens."""

    def _end_round(self, now: float) -> None:
        super()._end_round(now)
        self._is_crowded = False


GATEWAYS: dict[str, Callable[[random.Random], Gateway]] = {
    "far away": lambda rng: far_away(0.2, rng),
    "heavy tails": lambda rng: heavy_tailed(0.1, 1.0, rng),
    "a slow queue": lambda rng: one_after_the_other(0.05, 1000, rng),
    "a fast queue": lambda rng: one_after_the_other(0.05, 5000, rng),
    "a queue next door": lambda rng: one_after_the_other(0.001, 5000, rng),
    "a small pool": lambda rng: pool(40, 0.1, rng),
    "a large pool": lambda rng: pool(300, 0.1, rng),
    "shared": lambda rng: shared(0.05, 64, rng),
}


@pytest.mark.parametrize("name", GATEWAYS)
def test_no_gateway_is_polled_more_slowly_than_with_512_in_flight_at_once(name: str) -> None:
    """Over six runs of 5,000 requests, by 2% at most."""
    careful, headlong = (
        sum(ask(GATEWAYS[name](random.Random(seed)), 5000, start(512)).seconds for seed in range(6))
        for start in (SlowStart, Headlong)
    )
    assert careful <= 1.02 * headlong


def test_requests_that_gain_nothing_are_not_put_in_flight() -> None:
    """A gateway next door that is full with five in flight gets no more than a round trip past 64, and never 512."""
    gateway = one_after_the_other(0.001, 5000, random.Random(1))
    assert ask(gateway, 20_000, SlowStart(512)).most_in_flight < 128
    assert ask(one_after_the_other(0.001, 5000, random.Random(1)), 20_000, Headlong(512)).most_in_flight == 512


def test_up_to_64_are_in_flight_however_long_they_queue() -> None:
    """So that the default is used up to its end."""
    assert ask(one_after_the_other(0.001, 5000, random.Random(1)), 5000, SlowStart(64)).most_in_flight == 64


def test_a_gateway_far_away_has_512_in_flight_within_two_seconds() -> None:
    """Two hundred milliseconds away: seven round trips double four to 512."""
    slow_start = SlowStart(512)
    assert ask(far_away(0.2, random.Random(1)), 1200, slow_start).seconds < 2
    assert slow_start.size == 512


def test_a_gateway_that_became_slower_is_not_taken_for_a_full_one_for_long() -> None:
    """Ten times as slow from one moment to the next: ten seconds later it has all that it may have."""
    slow_start, rng = SlowStart(512), random.Random(1)
    before = ask(far_away(0.01, rng), 100, slow_start)
    ask(far_away(0.1, rng), 200, slow_start, began=before.seconds)
    held_at = slow_start.size
    assert held_at < 256
    ask(far_away(0.1, rng), 12_000, slow_start, began=before.seconds + 10)
    assert slow_start.size == 512


@pytest.mark.parametrize("concurrency", [1, 3, 4, 64, 4096])
def test_it_begins_with_few_and_ends_with_concurrency(concurrency: int) -> None:
    """Never more than the one, and all of the other where nothing speaks against it."""
    slow_start = SlowStart(concurrency)
    assert slow_start.size == min(FIRST_IN_FLIGHT, concurrency)
    ask(far_away(0.05, random.Random(1)), 10_000, slow_start)
    assert slow_start.size == concurrency


def test_failures_between_successes_do_not_slow_the_growth_down() -> None:
    """The success shows that the gateway was up; failures alone show nothing and add nothing."""
    slow_start = SlowStart(64)
    for _ in range(3):
        slow_start.failed()
    assert slow_start.size == FIRST_IN_FLIGHT
    slow_start.answered(1.0, 0.1)
    assert slow_start.size == FIRST_IN_FLIGHT + 4
    slow_start.answered(1.0, 0.1)
    assert slow_start.size == FIRST_IN_FLIGHT + 5
