"""Which requests may be sent, in which order, and what happens to the place of one that is cancelled in the queue."""

import asyncio
import random

import pytest

from gateway.clock import SYSTEM_CLOCK
from gateway.ending import stopped
from gateway.pace.breaker import Breaker
from gateway.pace.gate import Gate, Permit
from gateway.pace.pacer import Pacer
from gateway.pace.slow_start import FIRST_IN_FLIGHT

Waiting = list[asyncio.Task[Permit | None]]


async def full_gate(waiting: int) -> tuple[Gate, list[Permit], Waiting]:
    """A gate through which no more may go, the permits of those that went, and others that wait."""
    pacer = Pacer(FIRST_IN_FLIGHT, None, random.Random(1))
    gate = Gate("https://host", pacer, Breaker(), SYSTEM_CLOCK, has_key=True)
    permits = [permit for _ in range(FIRST_IN_FLIGHT) if (permit := await gate.enter())]
    tasks = [asyncio.create_task(gate.enter()) for _ in range(waiting)]
    await asyncio.sleep(0)
    return gate, permits, tasks


def test_all_permitted_requests_are_let_in_within_a_few_rounds_of_the_loop() -> None:
    """And the others wait on: one round for each would cost more than a request does."""

    async def main() -> None:
        gate, permits, tasks = await full_gate(waiting=10)
        for permit in permits:
            gate.lose(permit)
        for _ in range(3):
            await asyncio.sleep(0)
        assert [task.done() for task in tasks] == [True] * FIRST_IN_FLIGHT + [False] * 6

    asyncio.run(main())


@pytest.mark.parametrize("returned", [pytest.param(1, id="the turn"), pytest.param(3, id="a permit")])
def test_a_permit_given_to_a_cancelled_request_goes_to_the_next(returned: int) -> None:
    """Cancelled between being let in and noticing it."""

    async def main() -> None:
        gate, permits, tasks = await full_gate(waiting=5)
        for permit in permits[:returned]:
            gate.lose(permit)
        await asyncio.sleep(0)
        assert (tasks[0].done(), tasks[1].done()) == (True, False)
        tasks[1].cancel()
        for permit in permits[returned:]:
            gate.lose(permit)
        done, _ = await asyncio.wait(tasks, timeout=0.5)
        assert done == set(tasks)

    asyncio.run(main())


def test_a_cancelled_request_in_the_queue_is_skipped() -> None:
    """The place of one who waits no longer is skipped."""

    async def main() -> None:
        gate, permits, tasks = await full_gate(waiting=4)
        tasks[1].cancel()
        for permit in permits:
            gate.lose(permit)
        done, _ = await asyncio.wait(tasks, timeout=0.5)
        assert done == set(tasks)
        assert [task.cancelled() for task in tasks] == [False, True, False, False]

    asyncio.run(main())


def test_an_ending_releases_all_waiting_requests_without_a_permit() -> None:
    """Also those who wait behind somebody else."""

    async def main() -> None:
        gate, _, tasks = await full_gate(waiting=5)
        gate.end(stopped("Enough."))
        assert await asyncio.wait_for(asyncio.gather(*tasks), 0.5) == [None] * 5

    asyncio.run(main())
