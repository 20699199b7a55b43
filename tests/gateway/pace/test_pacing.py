"""The pacer against simulated gateways, in seeded virtual time."""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import pytest

from gateway.pace.pacer import HardCap, Pacer
from gateway.pace.slow_start import FIRST_IN_FLIGHT


class TokenBucket:
    """Lets `rate` requests a second in, and `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst, self.tokens, self.at = rate, burst, burst, 0.0

    def __call__(self, now: float) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class SlidingWindow:
    """Lets `most` requests in within any `seconds`, as the gateways' own limiter does."""

    def __init__(self, most: int, seconds: float) -> None:
        self.let_in: deque[float] = deque(maxlen=most)
        self.seconds = seconds

    def __call__(self, now: float) -> bool:
        if len(self.let_in) == self.let_in.maxlen and now - self.let_in[0] < self.seconds:
            return False
        self.let_in.append(now)
        return True


def open_door(_now: float) -> bool:
    return True


class Event(NamedTuple):
    at: float
    number: int
    sent_at: float
    latency: float
    was_let_in: bool | None
    """None while it is under way to the gateway."""


@dataclass
class World:
    """One client, one gateway, and the network between them."""

    pacer: Pacer
    lets_in: Callable[[float], bool]
    latency: float
    rng: random.Random
    now: float = 0.0
    sent_at: list[float] = field(default_factory=list)
    refused: int = 0
    most_in_flight_by: list[tuple[float, int]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def run(self, requests: int) -> None:
        """Until `requests` of them have been let in."""
        left, done = requests, 0
        while done < requests:
            wait = self.pacer.wait(self.now) if left else math.inf
            if wait == 0:
                self._send()
                left -= 1
            elif self.events and self.events[0].at <= self.now + wait:
                was_let_in = self._next()
                done += was_let_in is True
                left += was_let_in is False
            else:
                self.now += wait

    def _send(self) -> None:
        self.pacer.sent(self.now)
        self.sent_at.append(self.now)
        self.most_in_flight_by.append((self.now, self.pacer.in_flight))
        latency = self.latency * self.rng.uniform(0.6, 1.6)
        heapq.heappush(self.events, Event(self.now + latency / 2, len(self.sent_at), self.now, latency, None))

    def _next(self) -> bool | None:
        event = heapq.heappop(self.events)
        self.now = event.at
        if event.was_let_in is None:
            back_at = self.now + event.latency / 2
            heapq.heappush(self.events, event._replace(at=back_at, was_let_in=self.lets_in(self.now)))
        else:
            self._return(event)
        return event.was_let_in

    def _return(self, event: Event) -> None:
        self.pacer.returned()
        if event.was_let_in:
            self.pacer.answered(self.now, self.now - event.sent_at)
        else:
            self.refused += 1
            self.pacer.refused(self.now, event.sent_at, None)


def simulate(
    lets_in: Callable[[float], bool],
    requests: int = 5000,
    *,
    latency: float = 0.05,
    concurrency: int = 64,
    rate: float | None = None,
    seed: int = 1,
) -> World:
    rng = random.Random(seed)
    world = World(Pacer(concurrency, rate, rng), lets_in, latency, rng)
    world.run(requests)
    return world


def most_within(times: list[float], seconds: float) -> int:
    """The most of `times` in any half-open window of so many seconds."""
    window: deque[float] = deque()
    most = 0
    for at in times:
        window.append(at)
        while at - window[0] >= seconds:
            window.popleft()
        most = max(most, len(window))
    return most


@pytest.mark.parametrize("latency", [0.02, 0.05, 0.2])
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("cap", [10, 50, 200])
def test_a_capped_gateway_is_polled_at_its_cap(cap: int, seed: int, latency: float) -> None:
    """With few refusals, and without being told the cap."""
    world = simulate(TokenBucket(cap, cap), latency=latency, seed=seed)
    assert 5000 / world.now >= 0.95 * cap
    assert world.refused / len(world.sent_at) <= 0.04


@pytest.mark.parametrize("cap", [10, 50, 200])
def test_over_a_long_run_refusals_are_rare(cap: int) -> None:
    """20,000 requests: at least 98% of the cap, under 1.5% refused."""
    world = simulate(TokenBucket(cap, cap), 20_000)
    assert 20_000 / world.now >= 0.98 * cap
    assert world.refused / len(world.sent_at) <= 0.015


@pytest.mark.parametrize("latency", [0.02, 0.2, 0.5])
@pytest.mark.parametrize(("most", "refused"), [(600, 0.1), (3000, 0.04)])
def test_a_window_of_a_minute_is_polled_at_its_cap(most: int, refused: float, latency: float) -> None:
    """Used up within seconds at first, and refused for the rest of the minute."""
    world = simulate(SlidingWindow(most, 60.0), 8 * most, latency=latency)
    assert 8 * most / world.now >= 0.98 * most / 60
    assert world.refused / len(world.sent_at) <= refused


@pytest.mark.parametrize("latency", [0.02, 0.2, 0.5])
def test_a_window_of_a_second_is_polled_at_most_of_its_cap(latency: float) -> None:
    """It forgets nothing of the second before, so that what comes unevenly is refused."""
    world = simulate(SlidingWindow(50, 1.0), latency=latency)
    assert 5000 / world.now >= (0.92 if latency < 0.1 else 0.86) * 50
    assert world.refused / len(world.sent_at) <= 0.04


@pytest.mark.parametrize("latency", [0.02, 0.05, 0.2])
def test_a_shallow_bucket_is_polled_at_its_cap(latency: float) -> None:
    """One that holds a fifth of a second."""
    world = simulate(TokenBucket(50, 10), latency=latency)
    assert 5000 / world.now >= 0.95 * 50
    assert world.refused / len(world.sent_at) <= 0.02


@pytest.mark.parametrize(("cap", "share"), [(5, 0.85), (10, 0.78)])
def test_a_bucket_of_a_single_request_is_not_hammered(cap: int, share: float) -> None:
    """Spaced evenly, most is let in; what is lost is lost because requests overtake each other on the way."""
    world = simulate(TokenBucket(cap, 1), 2000, latency=0.02)
    assert 2000 / world.now >= share * cap
    assert world.refused / len(world.sent_at) <= 0.06


@pytest.mark.parametrize("concurrency", [2, 64, 512])
def test_a_gateway_that_never_refuses_is_polled_at_full_speed_within_two_seconds(concurrency: int) -> None:
    """Twenty milliseconds away, all of `CONCURRENCY` is in flight at once by then."""
    world = simulate(open_door, 50_000 if concurrency > 64 else 10_000, latency=0.02, concurrency=concurrency)
    reached = next(at for at, in_flight in world.most_in_flight_by if in_flight == concurrency)
    assert reached < 2
    assert max(in_flight for _, in_flight in world.most_in_flight_by) == concurrency


def test_the_start_is_slow_and_doubles() -> None:
    """Four at first, and twice as many every round trip."""
    pacer = Pacer(64, None, random.Random(1))
    limits = []
    for round_trip in range(6):
        limits.append(pacer.limit)
        for _ in range(pacer.limit):
            pacer.sent(float(round_trip))
        for _ in range(pacer.in_flight):
            pacer.returned()
            pacer.answered(round_trip + 0.9, 0.9)
    assert limits == [FIRST_IN_FLIGHT, 8, 16, 32, 64, 64]


@pytest.mark.parametrize("latency", [0.001, 0.3])
@pytest.mark.parametrize("rate", [0.5, 2.5, 7.0, 100.0, 333.3])
def test_rate_is_never_exceeded(rate: float, latency: float) -> None:
    """Not in any window of its definition, and yet nearly all of it is used."""
    requests = int(min(max(20 * rate, 40), 2000))
    world = simulate(open_door, requests, rate=rate, latency=latency, concurrency=512)
    assert most_within(world.sent_at, math.ceil(rate) / rate) <= math.ceil(rate)
    assert world.now <= requests / rate / 0.95 + 6 * latency  # which the slow start takes


def test_rate_is_never_exceeded_when_sending_comes_late() -> None:
    """Timers that oversleep at random are caught up with, within the cap."""
    rng = random.Random(5)
    pacer = Pacer(10_000, 100.0, rng)
    sent: list[float] = []
    now = 0.0
    while len(sent) < 3000:
        wait = pacer.wait(now)
        if wait > 0:
            now += wait + rng.choice([0.0, 0.001, 0.005, 0.3])
            continue
        pacer.sent(now)
        pacer.returned()
        sent.append(now)
    assert most_within(sent, 1.0) <= 100


def test_a_cap_counts_every_request_in_its_window() -> None:
    """A hundred in one instant, and the next a second later."""
    cap = HardCap(100)
    for _ in range(100):
        assert cap.opens_at() <= 7.0
        cap.sent(7.0)
    assert cap.opens_at() > 8.0


def test_refusals_of_one_round_trip_cut_once() -> None:
    """Twenty requests were away; all are refused; the rate falls by three tenths and no more."""
    pacer = Pacer(64, None, random.Random(1))
    pacer.refused(1.0, 0.9, 1.0)
    before = pacer.rate
    pacer.refused(5.0, 4.9, 1.0)
    for _ in range(20):
        pacer.refused(5.05, 4.95, 1.0)
    assert before is not None
    assert pacer.rate == pytest.approx(max(before * 0.7, 0.2))


def test_a_refusal_pauses_all_sending_for_its_retry_after_and_up_to_a_tenth_more() -> None:
    """Nothing is sent before."""
    for seed in range(20):
        pacer = Pacer(64, None, random.Random(seed))
        pacer.sent(0.0)
        pacer.returned()
        pacer.refused(1.0, 0.0, 20.0)
        assert 20.0 <= pacer.wait(1.0) <= 22.0


def test_in_flight_follows_rate_and_latency() -> None:
    """Twice their product, between two and `CONCURRENCY`."""
    pacer = Pacer(64, None, random.Random(1))
    pacer.refused(1.0, 0.9, 1.0)
    assert pacer.limit == 1
    pacer.answered(3.0, 0.1)
    for rate, latency, limit in [(10.0, 1.0, 20), (0.2, 0.1, 2), (1000.0, 3.0, 64)]:
        pacer.rate, pacer._latency = rate, latency
        assert pacer.limit == limit


def test_while_nothing_is_let_in_one_request_probes_ever_more_rarely() -> None:
    """Twice as long each time, up to five seconds, where the gateway does not say how long."""
    pacer, now, waits = Pacer(64, None, random.Random(1)), 0.0, []
    for _ in range(12):
        pacer.sent(now)
        pacer.returned()
        pacer.refused(now + 0.1, now, None)
        assert pacer.limit == 1
        waits.append(pacer.wait(now + 0.1))
        now += 0.1 + waits[-1]
    assert all(1.8 <= later / sooner <= 2.2 for sooner, later in pairwise(waits[:5]))
    assert all(5.0 <= wait <= 5.5 for wait in waits[-4:])
    pacer.sent(now)
    pacer.returned()
    pacer.answered(now + 0.1, 0.1)
    assert pacer.wait(now + 0.1) < 2
