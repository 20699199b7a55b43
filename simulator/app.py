"""The simulated gateway as a plain ASGI application: no framework, and fast enough to benchmark clients with."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from simulator import answers
from simulator.account import BULK, Account, Request
from simulator.answers import JSON, Answer, Header
from simulator.clock import Clock, real_time
from simulator.limits import Faults, RateLimit, WindowLimit, chance
from simulator.odd.kinds import Ask, special_answer
from simulator.odd.special import PREFIX
from simulator.odd.videos import PATH as VIDEOS
from simulator.odd.videos import video_at
from simulator.render import body_at
from simulator.world import World

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

VERSION = b"v1.0.0-sim"
ROUTE = "/avatar/task/"
TRICKLE_PIECES = 20
TRICKLE_PAUSE_SECONDS = 0.02


class SimulatedGateway:
    """Answers `GET {prefix}{path}{id}` for a world's tasks and for every special id (`sim_…`, see `odd/kinds`).

    Args:
        world: the tasks to answer for.
        key: the expected `Authorization: Bearer …`; None accepts any.
        clock: returns the simulated now; it must never go back in time.
        prefix: the beginning of all paths, such as "/reseller".
        path: the path of single tasks, such as "/suno/fetch/"; at the path of `simulator.odd.videos` they are video
            objects.
        latency_seconds: delay of every answer; varied uniformly by plus or minus `latency_jitter` (0 to 1) of it.
        faults: share of attempts with a transient fault, or a `Faults`; special ids have only their own faults.
        rate_limit: beyond it, requests are refused with 429.
        slow_seconds: how long an answer of the kind `slow` takes.
        account: answers the list of tasks, many ids in one request, and the status; without it, their paths are
            unknown.
        cache_size: how many rendered final answers are cached, about 2 KB each.

    Attributes:
        calls: requests received per task id, with any result; `total_calls` is their sum.
        statuses: answers begun per HTTP status.
        peak_in_flight: maximum number of requests answered concurrently.
    """

    def __init__(
        self,
        world: World,
        *,
        key: str | None = None,
        clock: Clock = real_time,
        prefix: str = "",
        path: str = ROUTE,
        latency_seconds: float = 0.0,
        latency_jitter: float = 0.0,
        faults: float | Faults = 0.0,
        rate_limit: RateLimit | WindowLimit | None = None,
        slow_seconds: float = 5.0,
        account: Account | None = None,
        cache_size: int = 100_000,
    ) -> None:
        self.world = world
        self.clock = clock
        self.account = account
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.peak_in_flight = 0
        self._key = None if key is None else key.encode()
        self._prefix = prefix.rstrip("/")
        self._route = self._prefix + path
        self._body_at = video_at if path == VIDEOS else body_at
        self._latency = (latency_seconds, latency_jitter)
        self._faults = faults if isinstance(faults, Faults) else Faults(faults, seed=world.seed)
        self._rate_limit = rate_limit
        self._slow_seconds = slow_seconds
        self._cache_size = cache_size
        self._last_answers: dict[str, Answer] = {}
        self._requests = 0
        self._in_flight = 0

    @property
    def total_calls(self) -> int:
        return self.calls.total()

    def prerender(self) -> int:
        """Render and cache the answers that no longer change, for benchmarks; returns how many are cached."""
        for task in self.world.tasks[: self._cache_size]:
            self._task_answer(task.id)
        return len(self._last_answers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"the simulated gateway speaks HTTP only, not {scope['type']}")
        self._requests += 1
        request_id = f"sim{self.world.seed:05d}{self._requests:012d}"
        answer = await self._account_answer(scope, receive, request_id) or self._answer(scope, request_id)
        self.statuses[answer.status] += 1
        self._in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self._in_flight)
        try:
            await deliver(answer, request_id, receive, send)
        finally:
            self._in_flight -= 1

    async def _account_answer(self, scope: Scope, receive: Receive, request_id: str) -> Answer | None:
        path: str = scope["path"]
        if self.account is None or path.startswith(self._route) or not path.startswith(self._prefix):
            return None
        request = Request(
            scope["method"],
            path.removeprefix(self._prefix),
            scope["query_string"].decode("latin-1"),
            tuple(scope["headers"]),
            await _body(receive) if scope["method"] == "POST" else b"",
        )
        if request.path == BULK and (refusal := self._refusal(scope, request_id)):
            return refusal
        return self.account.answer(self.world, request, self.clock().timestamp())

    def _refusal(self, scope: Scope, request_id: str) -> Answer | None:
        """The refusal of a wrong key, or of a request beyond the rate limit; None if the request is admitted."""
        if self._key is not None and (given := _key_given(scope["headers"])) != self._key:
            return answers.unauthorized(given.decode("latin-1"), request_id)
        if self._rate_limit is not None and not self._rate_limit.admits():
            return self._rate_limit.refusal(request_id)
        return None

    def _answer(self, scope: Scope, request_id: str) -> Answer:
        path: str = scope["path"]
        if not path.startswith(self._route) or len(path) == len(self._route) or scope["method"] != "GET":
            return self._wrong_path(path, request_id)
        task_id = path[len(self._route) :]
        self.calls[task_id] += 1
        if refusal := self._refusal(scope, request_id):
            return refusal
        return self._late(task_id, self._admitted(task_id, request_id))

    def _wrong_path(self, path: str, request_id: str) -> Answer:
        is_api = path.startswith(("/v1/", "/api/"))
        return answers.invalid_url(path, request_id) if is_api else answers.dashboard()

    def _admitted(self, task_id: str, request_id: str) -> Answer:
        attempt = self.calls[task_id]
        if task_id.startswith(PREFIX):
            ask = Ask(task_id, request_id, attempt, self.clock().timestamp(), self._slow_seconds)
            return special_answer(ask) or answers.missing()
        answer = self._last_answers.get(task_id) or self._task_answer(task_id)
        fault = self._faults.draw(task_id, attempt) if self._faults.share else None
        return answer if fault is None else self._faults.spoil(fault, answer, request_id)

    def _task_answer(self, task_id: str) -> Answer:
        task = self.world.find(task_id)
        known = None if task is None else self._body_at(task, self.clock().timestamp())
        if known is None:
            return answers.missing()
        body, is_last = known
        answer = Answer(200, body, (JSON, _length(body)))
        if is_last and len(self._last_answers) < self._cache_size:
            self._last_answers[task_id] = answer
        return answer

    def _late(self, task_id: str, answer: Answer) -> Answer:
        base, jitter = self._latency
        if not base:
            return answer
        spread = 1 + jitter * (2 * chance(self.world.seed, "latency", task_id, self.calls[task_id]) - 1)
        delay = answer.delay_seconds + base * spread
        return Answer(answer.status, answer.body, answer.headers, delay, answer.delivery)


async def deliver(answer: Answer, request_id: str, receive: Receive, send: Send) -> None:
    """Send the answer according to its `delivery`; if that stops early, the server closes the connection."""
    if answer.delay_seconds:
        await asyncio.sleep(answer.delay_seconds)
    if answer.delivery == "hang":
        await _until_disconnected(receive)
        return
    headers = [*answer.headers, (b"x-oneapi-request-id", request_id.encode()), (b"x-new-api-version", VERSION)]
    if answer.delivery not in ("chunked", "trickle") and not any(name == b"content-length" for name, _ in headers):
        headers.append(_length(answer.body))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.delivery == "whole":
        await send({"type": "http.response.body", "body": answer.body})
    else:
        await _deliver_in_parts(answer, send)


async def _deliver_in_parts(answer: Answer, send: Send) -> None:
    if answer.delivery == "drop_before_body":
        return
    if answer.delivery == "drop_mid_body":
        await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
        return
    for piece in answers.pieces(answer.body, TRICKLE_PIECES):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(TRICKLE_PAUSE_SECONDS if answer.delivery == "trickle" else 0)
    await send({"type": "http.response.body", "body": b""})


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    while (message := await receive())["type"] == "http.request":
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    return b"".join(pieces)


def _key_given(headers: list[Header]) -> bytes:
    """The key after `Bearer`; empty if there is none."""
    for name, value in headers:
        if name == b"authorization":
            return value.removeprefix(b"Bearer ") if value.startswith(b"Bearer ") else b""
    return b""


def _length(body: bytes) -> Header:
    return b"content-length", str(len(body)).encode()
