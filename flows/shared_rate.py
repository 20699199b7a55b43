"""`RATE` and concurrency over all workers, by global concurrency limits on the Prefect server in use, if it has them.

`RATE`: permissions from a limit that is a bucket, which Prefect drains. Requests are let go in small lots, and what of
a lot has not gone after `VALID_SECONDS` is forgotten, so that lots cannot pile up. In any `window` seconds no more than
`limit + decay · (window + VALID_SECONDS)` requests go, which `bucket_for` makes `RATE · window`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx
from prefect.client.orchestration import get_client
from prefect.concurrency.asyncio import concurrency
from prefect.exceptions import ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from prefect.client.orchestration import PrefectClient

#: The global concurrency limit that all workers share.
LIMIT_NAME: Final = "avatar-tasks-requests"

#: Requests in flight over all workers; a run takes its `CONCURRENCY` of them for as long as it asks.
IN_FLIGHT_NAME: Final = "avatar-tasks-in-flight"

#: A permission is good for so long after it was asked for.
VALID_SECONDS: Final = 0.2

#: Whoever waits looks up this often.
_NAP_SECONDS: Final = 0.25

#: A server that does not answer is left alone for so long; meanwhile each process keeps `RATE` by itself.
_TRUCE_SECONDS: Final = 30.0

_LOCKED: Final = 423


@dataclass(frozen=True, slots=True)
class Bucket:
    """A limit of so many slots, of which so many come free each second."""

    slots: int
    per_second: float


def bucket_for(rate: float) -> Bucket:
    """The bucket that keeps `rate` a second: in any one second, or in any eight requests' time where that is longer."""
    window = max(1.0, 8 / rate)
    slots = max(1, int(rate * window / 8))
    return Bucket(slots, (rate * window - slots) / (window + VALID_SECONDS))


class SharedRate:
    """Permissions to send, for one client; see `gateway.gate.Permission`."""

    def __init__(self, client: PrefectClient, slots: int, warn: Callable[[str], None]) -> None:
        self._client = client
        self._slots = slots
        self._warn = warn
        self._left = 0
        self._valid_until = 0.0
        self._truce_until = 0.0

    async def __call__(self) -> bool:
        """Whether one request may go now."""
        now = time.monotonic()
        if now < self._truce_until:
            return True
        if self._left and now < self._valid_until:
            self._left -= 1
            return True
        return await self._ask(now)

    async def _ask(self, now: float) -> bool:
        try:
            await self._client.increment_concurrency_slots([LIMIT_NAME], self._slots, "rate_limit")
        except httpx.HTTPStatusError as error:
            if error.response.status_code != _LOCKED:
                return self._go_alone(now, error)
            await asyncio.sleep(min(float(error.response.headers.get("Retry-After", _NAP_SECONDS)), _NAP_SECONDS))
            return False
        except httpx.HTTPError as error:
            return self._go_alone(now, error)
        self._left, self._valid_until = self._slots, now + VALID_SECONDS
        return False  # to be asked again at once, for asking took its time

    def _go_alone(self, now: float, error: Exception) -> bool:
        self._warn(f"Prefect does not say how fast to go ({error}): this process goes by its own RATE for a while")
        self._truce_until = now + _TRUCE_SECONDS
        return False


@contextlib.asynccontextmanager
async def shared_rate(warn: Callable[[str], None]) -> AsyncIterator[SharedRate | None]:
    """Permissions by the limit `LIMIT_NAME`, while the caller goes on; None where the server has no such limit."""
    async with get_client() as client:
        try:
            limit = await client.read_global_concurrency_limit_by_name(LIMIT_NAME)
        except ObjectNotFound:
            yield None
            return
        yield SharedRate(client, max(1, limit.limit), warn) if limit.active and limit.slot_decay_per_second else None


@contextlib.asynccontextmanager
async def shared_concurrency(wanted: int) -> AsyncIterator[int]:
    """How many requests the caller may have in flight: `wanted`, or what all workers together may, if that is less.

    It waits until so many are free; those of a worker that died are, within five minutes. Without a limit
    `IN_FLIGHT_NAME` on the server, everybody has what they want.
    """
    async with get_client() as client:
        try:
            limit = await client.read_global_concurrency_limit_by_name(IN_FLIGHT_NAME)
        except ObjectNotFound:
            yield wanted
            return
    share = min(wanted, limit.limit)
    async with concurrency(IN_FLIGHT_NAME, occupy=share):
        yield share
