"""How a client behaves over minutes of virtual time: pace, refusals, outages, endings."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.client import ClientStats, End, GatewayClient
from gateway.observation import Observation
from tests.gateway.pace.test_pacing import TokenBucket, most_within
from tests.gateway.virtual import VirtualGateway, ok, run_virtual, status, virtual_clock

Replies = Callable[[float, int], httpx.Response]


class Outcome:
    def __init__(self, gateway: VirtualGateway, client: GatewayClient, seen: list[Observation], seconds: float) -> None:
        self.gateway, self.seen, self.seconds = gateway, seen, seconds
        self.stats: ClientStats = client.stats
        self.ended: End | None = client.ended


def collect(
    reply: Replies,
    count: int,
    *,
    batches: int = 1,
    latency: float = 0.05,
    seed: int = 1,
    **settings: Any,  # noqa: ANN401 - whatever the client takes
) -> Outcome:
    """`count` ids in so many overlapping batches, asked of a gateway in virtual time."""

    async def main() -> Outcome:
        gateway = VirtualGateway(reply, latency)
        settings_here = {"clock": virtual_clock(), "rng": random.Random(seed), "transport": gateway, **settings}
        async with GatewayClient("https://host", "sk-key", **settings_here) as client:

            async def read(batch: int) -> list[Observation]:
                return [seen async for seen in client.fetch_many([f"{n}" for n in range(batch, count, batches)])]

            lists = await asyncio.gather(*(read(batch) for batch in range(batches)))
            now = asyncio.get_running_loop().time()
            return Outcome(gateway, client, [seen for part in lists for seen in part], now)

    return run_virtual(main())


def failing_between(start: float, end: float) -> Replies:
    return lambda now, number: status(502 if start < now < end else 200)(now, number)


def throttled_by(bucket: TokenBucket, **headers: str) -> Replies:
    return lambda now, number: ok(now, number) if bucket(now) else status(429, **headers)(now, number)


@pytest.mark.parametrize("batches", [1, 4])
def test_overlapping_batches_share_one_limit(batches: int) -> None:
    """There is one `CONCURRENCY`, and it is reached."""
    outcome = collect(ok, 2000, batches=batches, concurrency=32)
    assert len(outcome.seen) == len({seen.task_id for seen in outcome.seen}) == 2000
    assert outcome.gateway.most_in_flight[-1] == 32


@pytest.mark.parametrize("rate", [3.0, 50.0, 400.0])
def test_overlapping_batches_share_one_rate(rate: float) -> None:
    """No window of a second holds more than `RATE`, and little of it is wasted."""
    count = int(rate * 8)
    outcome = collect(ok, count, batches=3, rate=rate)
    assert most_within(outcome.gateway.sent_at, 1.0) <= rate
    assert outcome.seconds <= count / rate * 1.05 + 0.5


def test_rate_holds_for_retries_and_after_refusals() -> None:
    """Whatever is sent counts."""
    dice = random.Random(2)
    codes = [200, 200, 200, 500, 429]

    def reply(now: float, number: int) -> httpx.Response:
        return status(dice.choice(codes))(now, number)

    outcome = collect(reply, 400, batches=2, rate=20.0)
    assert most_within(outcome.gateway.sent_at, 1.0) <= 20
    assert outcome.stats.retries + outcome.stats.resends > 20


@pytest.mark.parametrize("cap", [10, 50, 200])
def test_a_throttling_gateway_is_polled_at_nine_tenths_of_its_cap(cap: int) -> None:
    """Every id ends as an answer, and refusals are no attempts."""
    outcome = collect(throttled_by(TokenBucket(cap, cap)), 3000, batches=3)
    assert 3000 / outcome.seconds >= 0.9 * cap
    assert outcome.stats.refusals <= 0.05 * outcome.stats.requests
    assert {(seen.http_status, seen.attempts) for seen in outcome.seen} == {(200, 1)}
    assert sum(seen.refusals for seen in outcome.seen) == outcome.stats.refusals


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize("retry_after", ["40", "Thu, 01 Jan 2026 00:00:41 GMT"])
def test_retry_after_is_obeyed_by_the_whole_client(code: int, retry_after: str) -> None:
    """In seconds or as a date; nothing is sent meanwhile, and up to a tenth longer."""
    outcome = collect(
        lambda now, number: status(code, Retry_After=retry_after)(now, number) if now < 1 else ok(now, number), 100
    )
    pause_ends = min(at for at in outcome.gateway.sent_at if at > 1)
    assert 40 <= pause_ends <= 46
    assert outcome.stats.requests == 100 + outcome.stats.refusals


def test_a_longer_pause_than_five_minutes_ends_the_run() -> None:
    """What was asked is observed as refused."""
    outcome = collect(status(429, Retry_After="301"), 100)
    assert outcome.ended is not None
    assert outcome.ended.reason == "retry_later"
    assert "301 s" in outcome.ended.sentence
    assert outcome.seconds < 1
    assert [(seen.http_status, seen.attempts, seen.refusals) for seen in outcome.seen] == [(429, 0, 1)] * 4


def test_only_refusals_for_ten_minutes_end_the_run() -> None:
    """A used-up quota says 429 without saying for how long."""
    outcome = collect(status(429), 100)
    assert outcome.ended is not None
    assert outcome.ended.reason == "retry_later"
    assert 600 <= outcome.seconds < 620
    assert outcome.stats.requests < 200


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_costs_at_most_eight_requests(code: int) -> None:
    """Of a thousand ids in four batches."""
    body = b'{"error": {"message": "this token is disabled", "type": "new_api_error"}}'
    outcome = collect(lambda _now, _number: httpx.Response(code, content=body), 1000, batches=4)
    assert len(outcome.seen) == outcome.stats.requests <= 8
    assert outcome.ended is not None
    assert outcome.ended.reason == "key_refused"
    assert str(code) in outcome.ended.sentence


def test_retries_stay_within_their_budget_when_everything_fails() -> None:
    """A tenth of the first attempts plus ten, at every moment."""
    outcome = collect(status(500), 5000, batches=2)
    assert outcome.stats.retries <= 10 + outcome.stats.first_attempts / 10
    assert outcome.stats.requests == outcome.stats.first_attempts + outcome.stats.retries


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_retries_stay_within_their_budget_when_much_fails(share: float) -> None:
    """However the failures fall, and every id has its observation."""
    dice = random.Random(4)

    def reply(now: float, number: int) -> httpx.Response:
        return status(500 if dice.random() < share else 200)(now, number)

    outcome = collect(reply, 3000, batches=3)
    assert outcome.stats.retries <= 10 + outcome.stats.first_attempts / 10
    assert len(outcome.seen) == outcome.stats.first_attempts
    assert max(seen.attempts for seen in outcome.seen) <= 4


def test_an_outage_is_waited_out_with_single_probes() -> None:
    """After it everything is asked, and during it next to nothing."""
    outcome = collect(failing_between(1, 150), 3000)
    during = [at for at in outcome.gateway.sent_at if 3 < at < 150]
    assert len(during) <= 3
    assert outcome.ended is None
    assert len(outcome.seen) == 3000


def test_an_outage_of_ten_minutes_ends_the_run() -> None:
    """What was asked is observed, the rest is left for the next run."""
    outcome = collect(failing_between(1, 9999), 3000)
    assert outcome.ended is not None
    assert outcome.ended.reason == "unavailable"
    assert 600 < outcome.seconds < 620
    assert len(outcome.seen) == outcome.stats.first_attempts < 3000


def test_a_gateway_that_never_answered_is_given_up_at_once() -> None:
    """There is nothing to wait for."""

    def refuse(_now: float, _number: int) -> httpx.Response:
        raise httpx.ConnectError("no route")

    outcome = collect(refuse, 1000)
    assert outcome.ended is not None
    assert outcome.ended.reason == "unavailable"
    assert outcome.seconds < 5
    assert outcome.stats.requests < 20
    assert {seen.error for seen in outcome.seen} == {"connect: ConnectError: no route"}


def test_whatever_a_transport_raises_becomes_an_observation() -> None:
    """Even what nobody thought of."""

    def surprise(_now: float, _number: int) -> httpx.Response:
        raise ZeroDivisionError("sk-key")

    outcome = collect(surprise, 3)
    assert [seen.error for seen in outcome.seen] == ["unexpected: ZeroDivisionError: ***"] * 3


def test_a_fast_gateway_is_polled_at_full_speed_within_two_seconds() -> None:
    """Twenty milliseconds away and never refusing."""
    outcome = collect(ok, 8000, latency=0.02, concurrency=512, batches=2)
    reached = outcome.gateway.sent_at[outcome.gateway.most_in_flight.index(512)]
    assert reached < 2
    assert outcome.gateway.most_in_flight[-1] == 512


def test_no_ids_are_no_observations() -> None:
    """And no waiting."""
    outcome = collect(ok, 0)
    assert (outcome.seen, outcome.seconds, outcome.stats.requests) == ([], 0.0, 0)
