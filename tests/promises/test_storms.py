"""The promise: through any storm every id arrives, retries keep to their budget, and nobody is run over afterwards.

Ten thousand ids in virtual time, which takes seconds; the long forms ask real servers in real time (`make soak`).
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import httpx
import pytest

from gateway.client import ClientStats, GatewayClient
from gateway.observation import Observation
from tests.gateway.pace.test_pacing import TokenBucket, most_within
from tests.gateway.servers import KEY, Reply, Request, answer, raw, serve
from tests.gateway.virtual import VirtualGateway, ok, run_virtual, status, virtual_clock

IDS = 10_000
LATENCY_SECONDS = 0.05
CONCURRENCY = 64

Replies = Callable[[float, int], httpx.Response]


@dataclass
class Storm:
    """Rounds of asking, as runs of `collect` are: each asks for what the one before could not get."""

    gateway: VirtualGateway
    rounds: list[ClientStats] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    arrived: set[str] = field(default_factory=set)
    seconds: float = 0.0

    async def run(self, seed: int, most_rounds: int) -> None:
        left = [f"task-{number}" for number in range(IDS)]
        loop = asyncio.get_running_loop()
        for number in range(most_rounds):
            if not left:
                break
            client = GatewayClient(
                "https://host",
                "sk-key",
                transport=self.gateway,
                clock=virtual_clock(),
                rng=random.Random(seed + number),
                concurrency=CONCURRENCY,
            )
            async with client:
                seen = [one async for one in client.fetch_many(left)]
            assert len({one.task_id for one in seen}) == len(seen) == client.stats.first_attempts
            self.rounds.append(client.stats)
            self.ends += [client.ended.sentence] if client.ended else []
            self.arrived |= arrived(seen)
            left = [task_id for task_id in left if task_id not in self.arrived]
        self.seconds = loop.time()


def arrived(seen: Iterable[Observation]) -> set[str]:
    return {one.task_id for one in seen if one.http_status == 200 and one.error is None}


def weather(reply: Replies, *, seed: int = 1, most_rounds: int = 1) -> Storm:
    async def main() -> Storm:
        storm = Storm(VirtualGateway(reply, LATENCY_SECONDS))
        await storm.run(seed, most_rounds)
        return storm

    return run_virtual(main())


def assert_within_budget(storm: Storm) -> None:
    for stats in storm.rounds:
        assert stats.retries <= 10 + stats.first_attempts / 10
        assert stats.requests == stats.first_attempts + stats.retries + stats.resends
    assert len(storm.gateway.sent_at) == sum(stats.requests for stats in storm.rounds)


def faults(share: float, seed: int) -> Replies:
    """So many requests meet one of the faults that come and go."""
    dice = random.Random(seed)

    def reply(now: float, number: int) -> httpx.Response:
        if dice.random() >= share:
            return ok(now, number)
        match dice.randrange(6):
            case 0:
                raise httpx.ReadError("reset")
            case 1:
                raise httpx.ReadTimeout("late")
            case 2:
                raise httpx.ConnectError("refused")
            case 3:
                return status(500)(now, number)
            case 4:
                return status(502)(now, number)
        return status(503)(now, number)

    return reply


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 12))])
def test_three_requests_in_ten_fail_and_all_ten_thousand_ids_arrive(seed: int) -> None:
    """The first round gets all but those for which there was no retry left, and never mistakes this for an outage."""
    storm = weather(faults(0.3, seed), seed=seed, most_rounds=8)
    assert (len(storm.arrived), storm.ends) == (IDS, [])
    assert_within_budget(storm)
    assert storm.rounds[0].first_attempts == IDS
    assert storm.seconds < 2 * IDS * LATENCY_SECONDS / CONCURRENCY + 30 * len(storm.rounds)
    assert sum(stats.requests for stats in storm.rounds) < 1.5 * IDS


def down(start: float, end: float) -> Replies:
    def reply(now: float, number: int) -> httpx.Response:
        if start < now < end:
            raise httpx.ConnectError("refused")
        return ok(now, number)

    return reply


@pytest.mark.parametrize("back_at", [62.0, pytest.param(75.3, marks=pytest.mark.soak), 122.0])
def test_a_gateway_is_down_for_a_minute_and_is_not_flooded_when_it_returns(back_at: float) -> None:
    """Single requests while it is away; then one, then a few, then twice as many every round trip, as at the start."""
    storm = weather(down(2.0, back_at), most_rounds=2)
    sent = storm.gateway.sent_at
    returned_at = min(at for at in sent if at + LATENCY_SECONDS >= back_at)
    assert (len(storm.arrived), storm.ends) == (IDS, [])
    assert_within_budget(storm)
    assert len([at for at in sent if 3 < at < returned_at]) <= 3
    first_round_trips = [
        count_between(sent, returned_at + n * 0.05 - 0.01, returned_at + n * 0.05 + 0.04) for n in range(5)
    ]
    assert first_round_trips[0] == 1
    assert all(count <= 4 * 2**n for n, count in enumerate(first_round_trips))
    before = count_between(sent, 1.0, 2.0)
    assert count_between(sent, returned_at, returned_at + 1) <= before


def count_between(times: list[float], start: float, end: float) -> int:
    return len([at for at in times if start <= at < end])


def test_a_gateway_that_throttles_to_twenty_a_second_gives_all_ten_thousand() -> None:
    """At nine tenths of that and more, in one round, with few refusals, and not one of them counts as a failure."""
    bucket = TokenBucket(20, 20)
    storm = weather(lambda now, number: ok(now, number) if bucket(now) else status(429)(now, number))
    assert (len(storm.arrived), storm.ends, storm.rounds[0].retries) == (IDS, [], 0)
    assert_within_budget(storm)
    assert 0.95 * 20 <= IDS / storm.seconds <= 20.1
    assert storm.rounds[0].refusals <= 0.015 * storm.rounds[0].requests
    assert most_within(storm.gateway.sent_at, 1.0) <= 20 + CONCURRENCY


@dataclass
class Real:
    """The same in real time, from a real server: what was sent when, and the result."""

    started_at: float = field(default_factory=time.monotonic)
    sent_at: list[float] = field(default_factory=list)
    rounds: list[ClientStats] = field(default_factory=list)
    arrived: set[str] = field(default_factory=set)
    seconds: float = 0.0

    def reply(self, reply: Callable[[float, Request], Reply]) -> Callable[[Request], Reply]:
        def timed(request: Request) -> Reply:
            self.sent_at.append(time.monotonic() - self.started_at)
            return reply(self.sent_at[-1], request)

        return timed

    async def collect(self, reply: Callable[[float, Request], Reply], count: int, *, most_rounds: int) -> None:
        left = {f"task-{number}" for number in range(count)}
        async with serve(self.reply(reply)) as server:
            for _ in range(most_rounds):
                async with GatewayClient(server.url, KEY, timeout=1.0) as client:
                    seen = [one async for one in client.fetch_many(sorted(left))]
                assert client.ended is None
                self.rounds.append(client.stats)
                self.arrived |= arrived(seen)
                left -= self.arrived
                if not left:
                    break
        self.seconds = time.monotonic() - self.started_at
        assert not left
        assert len(self.sent_at) == sum(stats.requests for stats in self.rounds)
        assert all(stats.retries <= 10 + stats.first_attempts / 10 for stats in self.rounds)

    def __str__(self) -> str:
        total = {name: sum(getattr(one, name) for one in self.rounds) for name in ("requests", "retries", "refusals")}
        figures = ", ".join(f"{count:,} {name}" for name, count in total.items())
        return f"{len(self.arrived):,} ids arrived in {len(self.rounds)} rounds and {self.seconds:.1f} s: {figures}"


REAL_FAULTS = (
    Reply(b"", "reset"),
    Reply(b"", "close"),
    Reply(b"", "hang"),
    answer(500),
    answer(502),
    answer(503),
    raw("HTTP/1.1 200 OK\nContent-Length: 99\n\n{", "close"),
    raw("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\n{"),
)


@pytest.mark.soak
def test_three_requests_in_ten_fail_in_real_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten thousand ids, and every sort of fault that sockets have."""
    dice, storm = random.Random(1), Real()
    faulty = lambda _now, _request: dice.choice(REAL_FAULTS) if dice.random() < 0.3 else answer()  # noqa: E731
    asyncio.run(asyncio.wait_for(storm.collect(faulty, IDS, most_rounds=8), 900))
    with capsys.disabled():
        print(f"\n30% faults: {storm}")  # noqa: T201 - the figures of docs/promises.md


@pytest.mark.soak
def test_a_gateway_is_away_for_a_minute_in_real_time(capsys: pytest.CaptureFixture[str]) -> None:
    """It resets every connection; then it is back, and is asked no faster than at other times."""
    storm = Real()
    slow = Reply(answer().data, delay_seconds=0.05)
    away = lambda now, _request: Reply(b"", "reset") if 3 < now < 63 else slow  # noqa: E731
    asyncio.run(asyncio.wait_for(storm.collect(away, IDS, most_rounds=2), 300))
    returned_at = min(at for at in storm.sent_at if at >= 63)
    first_second = count_between(storm.sent_at, returned_at, returned_at + 1)
    assert count_between(storm.sent_at, 4, returned_at) <= 3
    assert count_between(storm.sent_at, returned_at, returned_at + 0.04) <= 1
    otherwise = [at for at in storm.sent_at if at < 3 or at > returned_at + 1]
    assert first_second <= most_within(otherwise, 1.0)
    with capsys.disabled():
        print(f"\naway for a minute: {storm}; {first_second} requests in the first second after it")  # noqa: T201


@pytest.mark.soak
def test_twenty_a_second_in_real_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Two minutes of a gateway that lets twenty a second in."""
    storm, bucket = Real(), TokenBucket(20, 20)
    throttled = lambda now, _request: answer() if bucket(now) else answer(429, b"")  # noqa: E731
    asyncio.run(asyncio.wait_for(storm.collect(throttled, 2400, most_rounds=1), 300))
    assert 2400 / storm.seconds >= 0.9 * 20
    assert storm.rounds[0].refusals <= 0.04 * storm.rounds[0].requests
    assert storm.rounds[0].retries == 0
    with capsys.disabled():
        print(f"\n20 a second: {storm}, {2400 / storm.seconds:.1f} a second")  # noqa: T201
