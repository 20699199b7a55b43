"""`RATE` and concurrency for all workers together, by global concurrency limits on the Prefect server, if it has them.

`RATE`: permissions come from a limit that is a leaky bucket on the server. The bucket has room for one lot (a batch of
permissions), so that lots are granted one after another to all processes. The requests of a lot are sent evenly spaced.
The time of the grant is known only to within the duration of the request for it, so each permission has some leeway;
a permission not used by then expires.
In any `window` seconds no more than `per_second · (window + leeway + _LATE_SECONDS) + 1` requests go, which
`bucket_for` makes `RATE · window`: all but a tenth of `RATE` can be reached.
"""

from __future__ import annotations

import contextlib
import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx
from prefect.client.orchestration import get_client
from prefect.concurrency.asyncio import concurrency
from prefect.exceptions import ObjectNotFound

from gateway.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse

    from gateway.clock import Clock

#: The global concurrency limit that all workers share.
LIMIT_NAME: Final = "avatar-tasks-requests"

#: The limit of requests in flight over all workers; a run occupies `CONCURRENCY` of its slots while it polls.
IN_FLIGHT_NAME: Final = "avatar-tasks-in-flight"

#: The server drains whole slots, and loses the fraction whenever it grants some: so a request takes many small slots.
_SLOTS_PER_REQUEST: Final = 1000

#: A lot has the requests of this many seconds, and at least one.
_LOT_SECONDS: Final = 1.0

#: A rate is counted over at least this many requests.
_COUNTED_TOGETHER: Final = 20

#: How late a request may be sent, counted from the earliest time at which its lot may have been granted.
_LEEWAY_SECONDS: Final = 0.07

#: A delay of this many seconds in requesting a lot does not reduce the rate.
_LATE_SECONDS: Final = 0.02

#: Range of the random delay of clients that wait for the same lot, so that they do not all request it at once. The
#: delay grows with each refusal.
_SCATTER_SECONDS: Final = (0.02, 0.5)

#: The longest single wait; then the state is checked again.
_WAIT_SECONDS: Final = 0.25

#: Cooldown after the server did not answer, in which each process keeps to `RATE` by itself.
_COOLDOWN_SECONDS: Final = 30.0

_LOCKED: Final = 423


@dataclass(frozen=True, slots=True)
class Bucket:
    """A limit of `slots`, of which `per_second` become free each second."""

    slots: int
    per_second: float


def bucket_for(rate: float) -> Bucket:
    """The bucket that keeps `rate` per second: in any second, or in the time of twenty requests if that is longer."""
    most = max(math.ceil(rate), _COUNTED_TOGETHER)
    window = most / rate
    sparse, dense = (most - 1) / (window + 2 * _LATE_SECONDS), most / (window + _LEEWAY_SECONDS + _LATE_SECONDS)
    per_second = min(sparse, dense) * (1 - 1e-6)
    slots = (_lot(per_second) + per_second * _LATE_SECONDS) * _SLOTS_PER_REQUEST
    return Bucket(int(slots), per_second * _SLOTS_PER_REQUEST)


def _lot(per_second: float) -> int:
    return max(1, int(per_second * _LOT_SECONDS))


def _leeway(spacing: float) -> float:
    """Long enough that some of a lot is left, however long the request for it took."""
    return max(_LEEWAY_SECONDS, spacing + _LATE_SECONDS)


class SharedRate:
    """Permissions to send requests, for one client; see `gateway.pace.gate.Permission`."""

    def __init__(
        self,
        client: PrefectClient,
        warn: Callable[[str], None],
        rng: random.Random,
        clock: Clock,
        name: str = LIMIT_NAME,
    ) -> None:
        self._client = client
        self._name = name
        self._clock = clock
        self._warn = warn
        self._rng = rng
        self._left = 0
        self._next_at = 0.0
        self._spacing = 0.0
        self._patience = 0.0
        self._scatter = _SCATTER_SECONDS[0]
        self._alone_until = 0.0

    async def __call__(self) -> bool:
        """Whether one request may go now."""
        now = self._clock.monotonic()
        if now < self._alone_until:
            return True
        while self._left and now > self._next_at + self._patience:
            self._take()
        if not self._left:
            return await self._request()
        if now < self._next_at:
            await self._clock.sleep(min(self._next_at - now, _WAIT_SECONDS))
            return False
        self._take()
        return True

    def _take(self) -> None:
        self._left -= 1
        self._next_at += self._spacing

    async def _request(self) -> bool:
        try:
            limit = await self._client.read_global_concurrency_limit_by_name(self._name)
            if not _is_rate(limit):
                return self._go_alone(math.inf, "its limit is no longer a rate")
            return await self._request_lot(limit)
        except ObjectNotFound:
            return self._go_alone(math.inf, "its limit was removed")
        except httpx.HTTPError as error:
            return self._go_alone(_COOLDOWN_SECONDS, str(error))

    async def _request_lot(self, limit: GlobalConcurrencyLimitResponse) -> bool:
        """Request a lot, but only if it will probably be granted: a refusal resets the bucket to the last grant."""
        spacing = _SLOTS_PER_REQUEST / limit.slot_decay_per_second
        lot = _lot(1 / spacing)
        lacking = limit.active_slots + lot * _SLOTS_PER_REQUEST - limit.limit
        if lacking > 0:
            wait = lacking / limit.slot_decay_per_second + self._rng.random() * self._scatter
            await self._clock.sleep(min(wait, _WAIT_SECONDS))
            return False
        asked_at = self._clock.monotonic()
        try:
            await self._client.increment_concurrency_slots([self._name], lot * _SLOTS_PER_REQUEST, "rate_limit")
        except httpx.HTTPStatusError as error:
            if error.response.status_code != _LOCKED:
                raise
            self._scatter = min(2 * self._scatter, _SCATTER_SECONDS[1])
            return False
        self._scatter = max(self._scatter / 2, _SCATTER_SECONDS[0])
        self._granted(lot, spacing, self._clock.monotonic(), asked_at)
        return False  # the caller calls again at once, because the request took time

    def _granted(self, lot: int, spacing: float, now: float, asked_at: float) -> None:
        """Store a granted lot. If the request for it took long, drop the permissions that may already have expired."""
        unsure, leeway = now - asked_at, _leeway(spacing)
        self._next_at, self._spacing = now, spacing
        self._patience = max(leeway - unsure, _LATE_SECONDS)
        self._left = max(0, lot - max(0, math.ceil((unsure + _LATE_SECONDS - leeway) / spacing)))

    def _go_alone(self, seconds: float, why: str) -> bool:
        self._warn(f"Prefect's shared rate limit is not available ({why}): this process uses its own RATE meanwhile")
        self._alone_until = self._clock.monotonic() + seconds
        return False


@contextlib.asynccontextmanager
async def shared_rate(warn: Callable[[str], None], source: str) -> AsyncIterator[SharedRate | None]:
    """Permissions from the gateway's own limit, or else from `LIMIT_NAME`, for the duration of the block.

    None if the server has no such limit.
    """
    async with get_client() as client:
        limit = await read_limit(client, LIMIT_NAME, source)
        if limit is None or not _is_rate(limit):
            yield None
            return
        rng = random.Random()  # noqa: S311 - no secret
        yield SharedRate(client, warn, rng, SYSTEM_CLOCK, limit.name)


def limit_of_source(name: str, source: str) -> str:
    """The name of a gateway's own limit, which replaces `LIMIT_NAME` or `IN_FLIGHT_NAME`."""
    return f"{name}-{source}"


async def read_limit(client: PrefectClient, name: str, source: str) -> GlobalConcurrencyLimitResponse | None:
    """The gateway's own limit, or else the one that is common to all; None if there is neither."""
    for one in (limit_of_source(name, source), name):
        with contextlib.suppress(ObjectNotFound):
            return await client.read_global_concurrency_limit_by_name(one)
    return None


def _is_rate(limit: GlobalConcurrencyLimitResponse) -> bool:
    return limit.active and limit.slot_decay_per_second > 0


@contextlib.asynccontextmanager
async def shared_concurrency(wanted: int, source: str) -> AsyncIterator[int]:
    """How many requests the caller may have in flight: `wanted`, or the limit of all workers, if that is less.

    It waits until that many slots are free; slots of a worker that died become free within five minutes. If the server
    has neither `IN_FLIGHT_NAME` nor a limit of the gateway's own, it is always `wanted`.
    """
    async with get_client() as client:
        limit = await read_limit(client, IN_FLIGHT_NAME, source)
    if limit is None:
        yield wanted
        return
    share = min(wanted, limit.limit)
    async with concurrency(limit.name, occupy=share):
        yield share
