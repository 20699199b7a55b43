"""A client that turns ids into observations: one per id, whatever happens, as fast as the gateway allows.

async with GatewayClient("https://host", key) as client:
    async for observation in client.fetch_many(ids):
        ...
    if client.ended:
        print(client.ended.sentence)
"""

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Self, TypeAlias
from urllib.parse import urlencode

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
from gateway.poller import ClientStats, Poller, PollRequest, Todo
from gateway.secrets.api_key import AccessToken, ApiKey
from gateway.secrets.redact import check_redactions
from gateway.wire.addresses import check_base_url
from gateway.wire.endpoints import BULK_ENDPOINT, LIST_ENDPOINT, TASK_PATH
from gateway.wire.exchange import BulkExchange, Exchange, Limits
from gateway.wire.memory import Memory
from gateway.wire.transport import build_transport

__all__ = [
    "LIST_ENDPOINT",
    "AccessToken",
    "ApiKey",
    "ClientStats",
    "Clock",
    "End",
    "GatewayClient",
    "check_base_url",
]


class GatewayClient:
    """Polls one gateway for tasks; an async context manager.

    Any number of `fetch_many` may run on it concurrently: they share its pace, its retry budget and its end.

    Args:
        base_url: scheme, host and optionally a path prefix.
        api_key: sent to this origin only, as redirects are not followed; None sends none. As an `ApiKey` it also stays
            out of tracebacks that show variables.
        endpoint: the path; each id replaces `{id}` in it, the queries of `fetch_pages` are appended to it.
        source: the name of this gateway in observations.
        concurrency: maximum number of requests in flight.
        rate: maximum number of requests in any one second; None means as fast as the gateway allows.
        timeout: seconds for one request, to the last byte of its answer.
        max_body_bytes: longer bodies are cut at this size.
        redact: which of `gateway.secrets.redact.REDACTIONS` are applied to bodies.
        permission: called before each request, for a rate that is shared with other processes.
        memory: the limit on bodies in memory, if it is shared with later steps.
        transport: used instead of a connection of its own; it is closed with the client.
        clock: reads the time and waits.
        rng: randomizes retries and pauses.

    Raises:
        InvalidSetting: one of these is invalid.
    """

    def __init__(
        self,
        base_url: str,
        api_key: ApiKey | str | None,
        *,
        endpoint: str = TASK_PATH,
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
        self.source, self.base_url = source, ""  # what a traceback that shows variables would print
        key = api_key = api_key if isinstance(api_key, ApiKey) else ApiKey(api_key)
        _check_limits(concurrency=concurrency, rate=rate, timeout=timeout, max_body_bytes=max_body_bytes)
        redactions = check_redactions(redact)
        self.base_url = check_base_url(base_url)
        self.stats, self.bulk_stats = ClientStats(), ClientStats()
        self._rng = rng = rng or random.Random()  # noqa: S311 - spreads load, keeps no secret
        self._clock, self._concurrency = clock, concurrency
        self._gate = Gate(
            self.base_url,
            Pacer(concurrency, rate, rng),
            Breaker(),
            clock,
            has_key=bool(key),
            setting=key.setting,
            permission=permission,
        )
        self._workers: set[asyncio.Task[None]] = set()
        self._transport = transport or build_transport(self.base_url, concurrency)
        limits = Limits(timeout, max_body_bytes, redactions, memory or Memory())
        single = Exchange(self._transport, self.base_url + endpoint, key, limits)
        bulk = BulkExchange(self._transport, self.base_url + BULK_ENDPOINT, key, limits)
        self._poller = self._poller_for(single, self.stats, recognizes=True)
        self._bulk_poller = self._poller_for(bulk, self.bulk_stats, recognizes=False)

    def _poller_for(self, exchange: Exchange, stats: ClientStats, *, recognizes: bool) -> Poller:
        return Poller(
            self.source,
            gate=self._gate,
            exchange=exchange,
            retries=Retries(self._rng),
            clock=self._clock,
            stats=stats,
            recognizes=recognizes,
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
        """Why nothing more is polled, or None while the client is active."""
        return self._gate.ended

    def stop(self, sentence: str = "Stopped on request. What was collected is kept.") -> None:
        """Send nothing more: requests in flight still give observations, then every `fetch_many` ends."""
        self._gate.end(ending.stopped(sentence))

    @property
    def conclusion(self) -> End | None:
        """`ended`, or else the problem that all answers point to, even if they were too few to end the client.

        For instance: one id was polled, and the answer was a web page.
        """
        return self._gate.conclusion()

    @property
    def last_failure(self) -> str | None:
        """Error of the last failed request, or None if none failed."""
        return self._gate.last_failure

    def suspect(self, ids: Iterable[str]) -> None:
        """Mark `ids` that failed in an earlier run: they are polled last, and do not count as signs of an outage."""
        self._poller.suspect(ids)

    def fetch_many(self, ids: Iterable[str]) -> AsyncGenerator[Observation, None]:
        """One observation per id, in order of completion; fewer only if the client ends first.

        They are polled in random order, so that a run of broken ids does not look like an outage; ids that failed
        before come last. An id that was polled gets its observation even if the client ends. Leaving the loop early
        cancels what is in flight.

        Raises:
            InvalidTaskId: immediately, before the first request.
        """
        checked = [check_task_id(task_id) for task_id in ids]
        self._rng.shuffle(checked)
        return self._stream(checked)

    def fetch_pages(self, parameters: Iterable[Mapping[str, str | int]]) -> AsyncGenerator[Observation, None]:
        """One observation per page of a list, in order of completion; `task_id` in it is the query that was sent.

        As in `fetch_many`, there are fewer only if the client ends first.
        """
        return self._stream([f"?{urlencode(one)}" for one in parameters])

    def fetch_bulk(self, chunks: Iterable[Sequence[str]]) -> AsyncGenerator[Observation, None]:
        """One observation per chunk of ids, each requested by one POST; `task_id` in it is the ids, joined by commas.

        They share pace, breaker and end with `fetch_many`, and are counted in `bulk_stats`. Not every gateway has this
        path, so its answers are not taken to show that the address or the key is wrong.

        Raises:
            InvalidTaskId: immediately, before the first request.
        """
        joined = [",".join(map(check_task_id, chunk)) for chunk in chunks]
        return self._stream(joined, self._bulk_poller)

    async def _stream(self, ids: list[str], poller: Poller | None = None) -> AsyncGenerator[Observation, None]:
        """A fixed set of workers takes from one queue; the semaphore makes them wait for a slow reader."""
        poller = poller or self._poller
        todo = Todo(sorted(ids, key=poller.has_failed))
        working = min(self._concurrency, len(ids))
        unread = asyncio.Semaphore(working)
        done: _Done = asyncio.Queue()
        tasks = {asyncio.create_task(self._work(poller, todo, unread, done)) for _ in range(working)}
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
                    unread.release()
                    item.poll.release()  # the reader counts the body from here on, before others can reserve the memory
                    yield item.observation
        finally:
            await _cancel(tasks)
            self._workers -= tasks
            while not done.empty():
                if isinstance(item := done.get_nowait(), _Found):
                    item.poll.release()

    async def _work(self, poller: Poller, todo: Todo, unread: asyncio.Semaphore, done: "_Done") -> None:
        while (poll := todo.take(has_ended=self.ended is not None)) is not None:
            wait = poll.due_at - self._clock.monotonic()
            if wait > 0 and self.ended is None:
                await self._clock.sleep(wait)
            observation = await poller.advance(poll)
            if observation is not None:
                await _enter(unread, poll)
                done.put_nowait(_Found(observation, poll))
                del observation, poll  # otherwise the body stays in memory until this worker has its next answer
            elif poll.last is not None:
                todo.put_back(poll)


class _Found(NamedTuple):
    observation: Observation
    poll: PollRequest


async def _enter(unread: asyncio.Semaphore, poll: PollRequest) -> None:
    try:
        await unread.acquire()
    except asyncio.CancelledError:
        poll.release()
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
