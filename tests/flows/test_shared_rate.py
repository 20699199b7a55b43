"""A rate that several clients share, by a bucket that drains as Prefect's does, in virtual time."""

from __future__ import annotations

import asyncio
import math
import random
from bisect import bisect_right
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from prefect.exceptions import ObjectNotFound

from flows._prefect.shared_rate import SharedRate, bucket_for
from tests.gateway.virtual import run_virtual, virtual_clock

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

SECONDS = 40.0


@dataclass
class Server:
    """A limit as Prefect 3.8 keeps it: whole slots drain; a refusal forgets what has drained since the last grant."""

    limit: int
    per_second: float
    slowest_seconds: float
    rng: random.Random
    active: int = 0
    updated_at: float = 0.0
    fault: Exception | None = None
    sent_at: list[float] = field(default_factory=list)

    async def read_global_concurrency_limit_by_name(self, _name: str) -> SimpleNamespace:
        await self._underway()
        if self.fault:
            raise self.fault
        told = SimpleNamespace(
            active=True, limit=self.limit, active_slots=self._drained(), slot_decay_per_second=self.per_second
        )
        await self._underway()
        return told

    async def increment_concurrency_slots(self, _names: list[str], slots: int, _mode: str) -> None:
        await self._underway()
        is_granted = self._drained() + slots <= self.limit
        self.active = self._drained() + slots if is_granted else self.active
        self.updated_at = asyncio.get_running_loop().time()
        await self._underway()
        if not is_granted:
            response = httpx.Response(423, request=httpx.Request("POST", "http://prefect"))
            raise httpx.HTTPStatusError("locked", request=response.request, response=response)

    def _drained(self) -> int:
        return max(0, self.active - math.floor(self.per_second * (asyncio.get_running_loop().time() - self.updated_at)))

    async def _underway(self) -> None:
        await asyncio.sleep(self.rng.choice((0.02, 1.0)) * self.slowest_seconds / 2)


def server_for(rate: float, slowest_seconds: float, seed: int) -> Server:
    bucket = bucket_for(rate)
    return Server(bucket.slots, bucket.per_second, slowest_seconds, random.Random(seed))


async def send(server: Server, seed: int, stalls_seconds: float) -> list[str]:
    """One client that always has something to send, and now and then is busy for so long; what it warns of."""
    warnings: list[str] = []
    clock, rng = virtual_clock(), random.Random(seed)
    permission = SharedRate(cast("PrefectClient", server), warnings.append, random.Random(seed), clock)
    while clock.monotonic() < SECONDS:
        if await permission():
            server.sent_at.append(clock.monotonic())
        await clock.sleep(stalls_seconds if rng.random() < 0.01 else 0.001)
    return warnings


def together(server: Server, clients: int, stalls_seconds: float = 0.0) -> list[list[str]]:
    async def all_of_them() -> list[list[str]]:
        return await asyncio.gather(*(send(server, seed, stalls_seconds) for seed in range(clients)))

    return run_virtual(all_of_them())


@pytest.mark.parametrize("clients", [1, 2, 5])
@pytest.mark.parametrize("rate", [0.5, 3.0, 19.5, 40.0])
@pytest.mark.parametrize("slowest_seconds", [0.02, 0.2, 1.0])
def test_the_rate_holds_however_slow_the_server_or_busy_the_clients(
    rate: float, clients: int, slowest_seconds: float
) -> None:
    """In any second, or twenty requests' time if that is longer."""
    server = server_for(rate, slowest_seconds, seed=5)
    together(server, clients, stalls_seconds=0.4)
    most = max(math.ceil(rate), 20)
    window = most / rate
    assert server.sent_at
    sent_at = server.sent_at
    assert max(bisect_right(sent_at, one + window) - n for n, one in enumerate(sent_at)) <= most


@pytest.mark.parametrize("clients", [1, 2, 5])
@pytest.mark.parametrize("rate", [3.0, 20.0, 40.0])
def test_nearly_nine_tenths_of_the_rate_are_used_with_a_fast_server(rate: float, clients: int) -> None:
    """That is one that answers within 20 ms; of one that takes up to 200, seven tenths can be reached."""
    quick, slow = server_for(rate, 0.02, seed=5), server_for(rate, 0.2, seed=5)
    together(quick, clients)
    together(slow, 2)
    assert len(quick.sent_at) >= 0.88 * rate * SECONDS
    assert len(slow.sent_at) >= 0.7 * rate * SECONDS


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(ObjectNotFound(cast("Any", None)), id="the limit was removed"),
        pytest.param(httpx.ConnectError("refused"), id="the server is away"),
    ],
)
def test_without_the_limit_each_goes_by_its_own_rate_and_says_so(fault: Exception) -> None:
    """That is kept by the client, which asks at that pace."""
    server = server_for(10.0, 0.02, seed=5)
    server.fault = fault
    [warnings] = together(server, 1)
    assert 1 <= len(warnings) <= SECONDS / 30 + 1
    assert "uses its own RATE" in warnings[0]
    assert len(server.sent_at) > SECONDS * 10
