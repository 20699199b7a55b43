"""Many ids, overlapping batches, leaving early, stopping."""

import asyncio
import logging
import random
import time
from contextlib import aclosing

import pytest

from gateway.client import GatewayClient
from gateway.clock import Clock
from tests.gateway.servers import KEY, Reply, Request, answer, fetch, look, raw, serve

HURRY = Clock(monotonic=lambda: time.monotonic() * 100, sleep=lambda seconds: asyncio.sleep(seconds / 100))
"""A hundred times as fast, for pauses and the breaker."""


def test_every_id_has_exactly_one_observation_in_a_storm() -> None:
    """Overlapping batches on one client, a fifth of the requests failing in every way there is."""
    dice = random.Random(3)
    faults = [
        Reply(b"", "reset"),
        Reply(b"", "close"),
        answer(500),
        answer(503),
        raw("HTTP/1.1 200 OK\nContent-Length: 9\n\n{}", "close"),
        raw("garbage\n\n"),
        answer(429, b"", Retry_After="0"),
        answer(302, b"", Location="/"),
    ]

    def reply(_: Request) -> Reply:
        return dice.choice(faults) if dice.random() < 0.2 else answer()

    async def main() -> None:
        batches = [[f"b{batch}_{n}" for n in range(200)] for batch in range(3)]
        async with serve(reply) as server, GatewayClient(server.url, KEY, clock=HURRY, concurrency=16) as client:
            lists = await asyncio.gather(*(_listed(client, batch) for batch in batches))
            stats = client.stats
            assert [sorted(seen) for seen in lists] == [sorted(batch) for batch in batches]
            assert stats.requests == len(server.requests) == stats.first_attempts + stats.retries + stats.resends
            assert (stats.first_attempts, stats.observations) == (600, 600)
            assert stats.retries <= 10 + stats.first_attempts / 10
            assert client.ended is None

    asyncio.run(main())


async def _listed(client: GatewayClient, ids: list[str]) -> list[str]:
    return [observation.task_id async for observation in client.fetch_many(ids)]


def test_leaving_early_closes_what_is_in_flight() -> None:
    """No warning about anything left open, and the client goes on."""

    async def main() -> None:
        slow = Reply(answer().data, "keep", delay_seconds=0.01)
        async with serve(lambda _: slow) as server, GatewayClient(server.url, KEY) as client:
            async with aclosing(client.fetch_many([f"a{n}" for n in range(50)])) as observations:
                async for _ in observations:
                    break
            async for _ in client.fetch_many([f"b{n}" for n in range(50)]):
                break
            assert len(await fetch(client, ["c"])) == 1

    asyncio.run(main())


def test_cancelling_in_the_middle_of_a_body_leaves_nothing_open() -> None:
    """The reader's cancellation goes through, and the client can be used and closed."""

    async def main() -> None:
        stuck = raw("HTTP/1.1 200 OK\nContent-Length: 9\n\n{}", "hang")
        async with (
            serve(lambda request: answer() if request.task_id == "fine" else stuck) as server,
            GatewayClient(server.url, KEY) as client,
        ):
            task = asyncio.create_task(fetch(client, ["a", "b", "c"]))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await fetch(client, ["fine"]))["fine"].http_status == 200

    asyncio.run(main())


def test_leaving_the_client_ends_active_batches() -> None:
    """A batch that somebody else reads ends with the client that it came from."""

    async def main() -> None:
        async with serve(lambda _: Reply(b"", "hang")) as server:
            async with GatewayClient(server.url, KEY) as client:
                observations = client.fetch_many(["a", "b"])
                reading = asyncio.create_task(anext(observations))
                await asyncio.sleep(0.05)
            with pytest.raises(StopAsyncIteration):
                await asyncio.wait_for(reading, 1)

    asyncio.run(main())


def test_a_stopped_client_finishes_requests_in_flight() -> None:
    """And asks nothing more."""

    async def main() -> None:
        slow = Reply(answer().data, "keep", delay_seconds=0.05)
        async with serve(lambda _: slow) as server, GatewayClient(server.url, KEY) as client:
            reading = asyncio.create_task(fetch(client, [f"a{n}" for n in range(500)]))
            await asyncio.sleep(0.12)
            client.stop("Enough.")
            seen = await reading
            assert 0 < len(seen) == len(server.requests) < 500
            assert all(observation.http_status == 200 for observation in seen.values())
            assert str(client.ended) == "Enough."

    asyncio.run(main())


def test_a_slow_reader_slows_the_polling() -> None:
    """What nobody has read yet is bounded, whatever the size of the batch."""

    async def main() -> None:
        async with serve(lambda _: answer()) as server, GatewayClient(server.url, KEY, concurrency=4) as client:
            async with aclosing(client.fetch_many([f"a{n}" for n in range(500)])) as observations:
                await anext(observations)
                await asyncio.sleep(0.2)
            assert len(server.requests) <= 9

    asyncio.run(main())


def test_as_many_connections_as_requests_in_flight() -> None:
    """The pool is no second, lower limit."""

    async def main() -> None:
        slow = Reply(answer().data, "keep", delay_seconds=0.2)
        async with serve(lambda _: slow) as server, GatewayClient(server.url, KEY, concurrency=150) as client:
            await fetch(client, [f"a{n}" for n in range(900)])
            assert 120 <= server.connections <= 160

    asyncio.run(main())


def test_nothing_is_logged_per_request(caplog: pytest.LogCaptureFixture) -> None:
    """A million ids must not become a million lines."""
    caplog.set_level(logging.INFO)
    look(lambda _: answer())
    assert caplog.records == []
