"""A client that turns ids into observations: one for each, whatever happens, as fast as the gateway likes it.

async with GatewayClient("https://host", key) as client:
    async for observation in client.fetch_many(ids):
        ...
    if client.ended:
        print(client.ended.sentence)
"""

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Iterable
from types import TracebackType
from typing import NamedTuple, Self, TypeAlias

import httpx

from gateway import ending
from gateway.clock import SYSTEM_CLOCK, Clock
from gateway.ending import End
from gateway.errors import InvalidLimit
from gateway.ids import check_task_id
from gateway.observation import Observation
from gateway.pace.breaker import Breaker
from gateway.pace.gate import Gate, Permission
from gateway.pace.pacer import Pacer
from gateway.pace.retries import Retries
from gateway.poller import ClientStats, Inquirer, Inquiry, Todo
from gateway.secrets.api_key import ApiKey
from gateway.secrets.redact import check_redactions
from gateway.wire.addresses import check_base_url
from gateway.wire.exchange import Exchange
from gateway.wire.memory import Memory
from gateway.wire.transport import build_transport

__all__ = ["ApiKey", "ClientStats", "Clock", "End", "GatewayClient", "check_base_url"]


class GatewayClient:
    """Asks one gateway for tasks; an async context manager.

    Any number of `fetch_many` may run on it at the same time: they share its pace, its retry budget and its end.

    Args:
        base_url: scheme, host and perhaps a path prefix.
        api_key: sent to this origin only, as redirects are not followed. None sends none. Given as an `ApiKey`, it is
            in no traceback that shows variables, either.
        source: the name that observations carry for this gateway.
        concurrency: most requests in flight.
        rate: most requests in any one second; None is as fast as the gateway lets us.
        timeout: seconds for one request, to the last byte of its answer.
        max_body_bytes: a longer body is cut there.
        redact: which of `gateway.secrets.redact.REDACTIONS` are applied to bodies.
        permission: asked before each request, for a rate that is shared with other processes.
        memory: what bodies may take up, where others count what they hold in it, too.
        transport: what to speak through instead of a connection of its own; it is closed with the client.
        clock: what tells the time and waits.
        rng: what spreads retries and pauses.

    Raises:
        InvalidSetting: one of these cannot be.
    """

    def __init__(
        self,
        base_url: str,
        api_key: ApiKey | str | None,
        *,
        source: str = "default",
        concurrency: int = 64,
        rate: float | None = None,
        timeout: float = 30.0,
        max_body_bytes: int = 8_388_608,
        redact: frozenset[str] = frozenset(),
        permission: Permission | None = None,
        memory: Memory | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock = SYSTEM_CLOCK,
        rng: random.Random | None = None,
    ) -> None:
        self.source, self.base_url = (
            source,
            "",
        )  # what a traceback that shows variables shows
        key = api_key = api_key if isinstance(api_key, ApiKey) else ApiKey(api_key)
        _check_limits(concurrency=concurrency, rate=rate, timeout=timeout, max_body_bytes=max_body_bytes)
        redactions = check_redactions(redact)
        self.base_url = check_base_url(base_url)
        self.stats = ClientStats()
        self._rng = rng = rng or random.Random()  # noqa: S311 - spreads load, keeps no secret
        self._clock = clock
        self._concurrency = concurrency
        pacer = Pacer(concurrency, rate, rng)
        self._gate = Gate(self.base_url, pacer, Breaker(), clock, has_key=bool(key), permission=permission)
        self._workers: set[asyncio.Task[None]] = set()
        self._transport = transport or build_transport(self.base_url, concurrency)
        exchange = Exchange(
            self._transport,
            self.base_url,
            key,
            timeout_seconds=timeout,
            max_body_bytes=max_body_bytes,
            redactions=redactions,
            memory=memory or Memory(),
        )
        self._inquirer = Inquirer(
            source, gate=self._gate, exchange=exchange, retries=Retries(rng), clock=clock, stats=self.stats
        )

    def __repr__(self) -> str:
        return f"GatewayClient({self.base_url!r}, source={self.source!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await _cancel(self._workers)
        await self._transport.aclose()

    @property
    def ended(self) -> End | None:
        """Why nothing more is asked, or None while the client is at work."""
        return self._gate.ended

    def stop(self, sentence: str = "Stopped on request. What was collected is kept.") -> None:
        """Ask nothing more: what is in flight is still observed, then every `fetch_many` ends."""
        self._gate.end(ending.stopped(sentence))

    @property
    def conclusion(self) -> End | None:
        """`ended`; or what is wrong with a gateway by all answers together, where they were too few to end the client.

        For instance: one id was polled, and a web page answered.
        """
        return self._gate.conclusion()

    @property
    def last_failure(self) -> str | None:
        """What the last request that failed ended with, or None if none did."""
        return self._gate.last_failure

    def suspect(self, ids: Iterable[str]) -> None:
        """Tell that `ids` failed in an earlier run: they are polled after all others, and prove no outage."""
        self._inquirer.suspect(ids)

    def fetch_many(self, ids: Iterable[str]) -> AsyncGenerator[Observation, None]:
        """Observations of `ids` in order of completion; fewer than ids only if the client ends first.

        They are polled in random order, so that broken ids that stand together look like no outage; ids that failed
        before come last. An id that was polled gets its observation even if the client ends. Leaving the loop early
        cancels what is in flight.

        Raises:
            InvalidTaskId: at once, before anything is asked.
        """
        checked = [check_task_id(task_id) for task_id in ids]
        self._rng.shuffle(checked)
        return self._stream(checked)

    async def _stream(self, ids: list[str]) -> AsyncGenerator[Observation, None]:
        """A fixed set of workers takes from one queue; `room` makes them wait for a slow reader."""
        todo = Todo(sorted(ids, key=self._inquirer.has_failed))
        working = min(self._concurrency, len(ids))
        room = asyncio.Semaphore(working)
        done: _Done = asyncio.Queue()
        tasks = {asyncio.create_task(self._work(todo, room, done)) for _ in range(working)}
        self._workers |= tasks
        for task in tasks:
            task.add_done_callback(done.put_nowait)
        try:
            while working:
                item = await done.get()
                if isinstance(item, asyncio.Task):
                    working -= 1
                    if not item.cancelled():
                        item.result()
                else:
                    room.release()
                    item.inquiry.release()  # the reader counts it from now on, before anybody else may use the space
                    yield item.observation
        finally:
            await _cancel(tasks)
            self._workers -= tasks
            while not done.empty():
                if isinstance(item := done.get_nowait(), _Found):
                    item.inquiry.release()

    async def _work(self, todo: Todo, room: asyncio.Semaphore, done: "_Done") -> None:
        while (inquiry := todo.take(has_ended=self.ended is not None)) is not None:
            wait = inquiry.due_at - self._clock.monotonic()
            if wait > 0 and self.ended is None:
                await self._clock.sleep(wait)
            observation = await self._inquirer.advance(inquiry)
            if observation is not None:
                await _enter(room, inquiry)
                done.put_nowait(_Found(observation, inquiry))
                del observation, inquiry  # else the body stays in memory until this worker has its next answer
            elif inquiry.last is not None:
                todo.put_back(inquiry)


class _Found(NamedTuple):
    observation: Observation
    inquiry: Inquiry


async def _enter(room: asyncio.Semaphore, inquiry: Inquiry) -> None:
    try:
        await room.acquire()
    except asyncio.CancelledError:
        inquiry.release()
        raise


_Done: TypeAlias = "asyncio.Queue[_Found | asyncio.Task[None]]"
"""Observations, and every worker once it has nothing more to do."""


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    """Ends `tasks` and waits until they have cleaned up."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _check_limits(*, concurrency: int, rate: float | None, timeout: float, max_body_bytes: int) -> None:
    limits = {"CONCURRENCY": concurrency, "RATE": rate, "TIMEOUT": timeout, "MAX_BODY_BYTES": max_body_bytes}
    for name, value in limits.items():
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise InvalidLimit(f"{name} is {value!r}. It must be above 0 and finite.")
