"""What a client holds of answers is bounded in bytes, and nobody waits for ever."""

import asyncio
import gzip
import random

import pytest

from gateway.client import GatewayClient
from gateway.wire.memory import PIECE_BYTES, Memory, Reservation
from tests.gateway.servers import KEY, Reply, answer, fetch, serve

LIMIT = 4 * PIECE_BYTES


async def read(memory: Memory, size: int, step: int = PIECE_BYTES) -> Reservation:
    """A body of this size, as it comes."""
    reservation = memory.reserve()
    for so_far in range(step, size + 1, step):
        await reservation.grow(so_far)
        await asyncio.sleep(0)
    reservation.settle(size)
    return reservation


@pytest.mark.parametrize("seed", range(20))
def test_partly_read_bodies_do_not_block_one_another(seed: int) -> None:
    """One may always go on; with it the limit is exceeded by one body at the most."""
    dice = random.Random(seed)
    largest = 10 * PIECE_BYTES

    async def main() -> Memory:
        memory = Memory(LIMIT)

        async def one(size: int) -> None:
            reservation = await read(memory, size, dice.choice([PIECE_BYTES, 3 * PIECE_BYTES // 2]))
            await asyncio.sleep(dice.random() / 1000)
            reservation.release()

        async with asyncio.timeout(10):
            await asyncio.gather(*(one(dice.randrange(largest)) for _ in range(64)))
        return memory

    memory = asyncio.run(main())
    assert memory.in_use == 0
    assert memory.peak <= LIMIT + largest + 64 * PIECE_BYTES


def test_a_body_cancelled_while_waiting_releases_its_memory() -> None:
    """Cancelled before there is room, or at the very moment."""

    async def main() -> None:
        memory = Memory(LIMIT)
        privileged, reservations = memory.reserve(), [memory.reserve() for _ in range(3)]
        memory.take(LIMIT)
        await privileged.grow(2 * PIECE_BYTES)
        waiting = [asyncio.create_task(reservation.grow(2 * PIECE_BYTES)) for reservation in reservations]
        await asyncio.sleep(0)
        waiting[0].cancel()
        memory.take(-LIMIT)
        waiting[1].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for reservation in (privileged, *reservations):
            reservation.release()
        assert memory.in_use == 0

    asyncio.run(main())


def collect(reply: Reply, count: int, memory: Memory, **settings: float) -> list[bytes]:
    async def main() -> list[bytes]:
        async with (
            serve(lambda _: reply) as server,
            GatewayClient(server.url, KEY, memory=memory, **settings) as client,  # type: ignore[arg-type]
        ):
            seen = await fetch(client, [f"t{number}" for number in range(count)])
            assert {one.error for one in seen.values()} == {None}
            return [one.body or b"" for one in seen.values()]

    return asyncio.run(asyncio.wait_for(main(), 60))


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(answer(200, b"x" * 1_000_000), id="large answers"),
        pytest.param(answer(200, gzip.compress(b"x" * 50_000_000), Content_Encoding="gzip"), id="bombs"),
        pytest.param(answer(200, gzip.compress(b"x" * 1_000_000), Content_Encoding="gzip"), id="compressed"),
    ],
)
def test_answers_of_any_size_come_within_the_limit(reply: Reply) -> None:
    """Each whole up to its own limit, however many are in flight; nothing is held afterwards."""
    memory = Memory(2_000_000)
    bodies = collect(reply, 100, memory, max_body_bytes=1_000_000)
    assert bodies == [b"x" * 1_000_000] * 100
    assert memory.in_use == 0
    assert memory.peak <= 2_000_000 + 1_000_000 + 64 * 2 * PIECE_BYTES


def test_waiting_for_memory_takes_nothing_of_an_answers_time() -> None:
    """A reader who takes long over each answer makes nobody time out."""

    async def main() -> None:
        async with (
            serve(lambda _: answer(200, b"x" * 1_000_000)) as server,
            GatewayClient(server.url, KEY, memory=Memory(1_000_000), timeout=0.5, concurrency=8) as client,
        ):
            async for one in client.fetch_many([f"t{number}" for number in range(12)]):
                assert (one.error, one.attempts) == (None, 1)
                await asyncio.sleep(0.15)

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_client_that_ends_or_is_left_releases_all_memory() -> None:
    """Bodies that nobody will read are let go of."""

    async def main() -> None:
        memory = Memory(300_000)
        async with (
            serve(lambda _: answer(200, b"x" * 200_000)) as server,
            GatewayClient(server.url, KEY, memory=memory) as client,
        ):
            async for _ in (observations := client.fetch_many([f"t{number}" for number in range(50)])):
                break
            await observations.aclose()
            assert memory.in_use == 0

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_body_is_counted_once_while_its_owner_changes() -> None:
    """Its reader counts it in the place of the client, and nobody else gets the space meanwhile."""

    async def main() -> None:
        memory, size = Memory(1_100_000), 1_000_000
        async with (
            serve(lambda _: answer(200, b"x" * size)) as server,
            GatewayClient(server.url, KEY, memory=memory, concurrency=2, max_body_bytes=size) as client,
        ):
            async for one in client.fetch_many([f"t{number}" for number in range(20)]):
                memory.take(len(one.body or b""))
                await asyncio.sleep(0.001)
                memory.take(-len(one.body or b""))
        assert memory.in_use == 0
        assert memory.peak <= 2 * size + 4 * PIECE_BYTES

    asyncio.run(asyncio.wait_for(main(), 60))
