"""One HTTP request for one task id, or for several, and its answer; a failed request is an answer with a fault."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import httpx

from gateway.secrets.api_key import ApiKey
from gateway.secrets.redact import redact
from gateway.wire.addresses import without_query
from gateway.wire.body import Body, BodyFault
from gateway.wire.faults import Fault, describe
from gateway.wire.memory import PIECE_BYTES, Memory, Reservation

CONNECT_SECONDS = 5.0
_REDIRECTS = range(300, 400)
_LONGEST_HEADER = 500
_LONGEST_UNNEEDED = 16 * 1024


@dataclass(slots=True)
class Answer:
    """The result of one request; filled in as it arrives, so that what was received before a fault is kept."""

    status: int | None = None
    content_type: str | None = None
    request_id: str | None = None
    gateway_version: str | None = None
    retry_after: str | None = None
    body: bytes | None = None
    body_cut: bool = False
    fault: Fault | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """All headers, names in lower case, if the exchange was created with `keeps_headers`; otherwise empty."""
    reservation: Reservation | None = None
    """The memory reserved for the body, until it is released."""

    def release(self) -> None:
        if self.reservation is not None:
            self.reservation.release()

    def forget_body(self) -> None:
        """Keep only the beginning of a body that will probably not be needed."""
        if self.body is not None and len(self.body) > _LONGEST_UNNEEDED:
            self.body, self.body_cut = self.body[:_LONGEST_UNNEEDED], True
        self.release()


class Limits(NamedTuple):
    """The same for all requests of a client: seconds, bytes, what is redacted, and the memory for bodies."""

    timeout_seconds: float
    max_body_bytes: int
    redactions: frozenset[str]
    memory: Memory


class Exchange:
    """Sends the requests of one client at one path.

    `address` is a URL; the id replaces `{id}` in it, or is appended if there is no `{id}`.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        address: str,
        key: ApiKey,
        limits: Limits,
        *,
        keeps_headers: bool = False,
    ) -> None:
        address, _, after_id = address.partition("{id}")
        self._after_id = after_id.encode("ascii")
        self._keeps_headers = keeps_headers
        self._transport = transport
        self._key = key
        self._timeout_seconds, self._max_body_bytes, self._redactions, self._memory = limits
        connect = min(CONNECT_SECONDS, self._timeout_seconds)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "avatar-tasks"}
        self._request = httpx.Request("GET", address, headers={**headers, **key.headers()})
        # "pool" covers DNS and handshakes as well; there is a connection for every request, so none waits for one.
        self._request.extensions = {"timeout": {"connect": connect, "pool": connect}}

    async def get(self, task_id: str) -> Answer:
        """The answer for a checked id, or for a query to append to the address; the caller releases it.

        Raises nothing, except when it is cancelled.
        """
        answer = Answer(reservation=self._memory.reserve())
        try:
            async with asyncio.timeout(self._timeout_seconds) as deadline:
                await self._converse(task_id, answer, deadline)
        except Exception as failure:  # noqa: BLE001 - every polled id becomes an observation
            late = Fault("timeout", f"no complete answer within {self._timeout_seconds:g} s")
            answer.fault = late if deadline.expired() else describe(failure, self._key.scrub)
        except asyncio.CancelledError:
            answer.release()
            raise
        return answer

    async def _converse(self, task_id: str, answer: Answer, deadline: asyncio.Timeout) -> None:
        response = await self._transport.handle_async_request(self._aimed(task_id))
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise BodyFault("unexpected", "the transport answered with a body that cannot be awaited")
        try:
            headers = {name.lower(): value for name, value in response.headers.raw}
            self._read_head(response.status_code, headers, answer)
            await self._read_body(response.stream, headers.get(b"content-encoding", b""), answer, deadline)
        finally:
            await response.stream.aclose()

    def _aimed(self, task_id: str) -> httpx.Request:
        return _Aimed(self._request, self._request.url.raw_path + task_id.encode("ascii") + self._after_id)

    def _read_head(self, status: int, headers: Mapping[bytes, bytes], answer: Answer) -> None:
        answer.status = status
        if self._keeps_headers:
            answer.headers = {name.decode("latin-1"): self._text(value) or "" for name, value in headers.items()}
        answer.content_type = self._text(headers.get(b"content-type"))
        answer.request_id = self._text(headers.get(b"x-oneapi-request-id"))
        answer.gateway_version = self._text(headers.get(b"x-new-api-version"))
        answer.retry_after = self._text(headers.get(b"retry-after"))
        if status in _REDIRECTS:
            target = without_query(self._text(headers.get(b"location")) or "") or "nowhere"
            answer.fault = Fault("redirect", f"not followed, to {target}")

    async def _read_body(
        self, stream: httpx.AsyncByteStream, encoding: bytes, answer: Answer, deadline: asyncio.Timeout
    ) -> None:
        answer.body = b""
        reservation = answer.reservation or self._memory.reserve()
        body = Body(encoding.decode("latin-1"), self._max_body_bytes + self._key.longest + 1)
        try:
            await _pour(stream, body, reservation, deadline)
        finally:
            self._keep(body.content(), answer)
            reservation.settle(len(answer.body))

    def _keep(self, content: bytes, answer: Answer) -> None:
        """Remove secrets before cutting the body: half of a secret at the cut would not be recognized."""
        answer.body_cut = len(content) > self._max_body_bytes
        cleaned = self._key.scrub_bytes(content)
        if (
            len(content) > self._max_body_bytes + self._key.longest
        ):  # the rest was dropped, perhaps with the second half of a key
            cleaned = cleaned[: len(cleaned) - self._key.longest]
        answer.body = redact(cleaned, self._redactions)[: self._max_body_bytes]

    def _text(self, value: bytes | None) -> str | None:
        return None if value is None else self._key.scrub(value.decode("latin-1"))[:_LONGEST_HEADER]


class BulkExchange(Exchange):
    """Requests many ids with one POST. `get` takes them joined by commas, a character that no id contains."""

    def _aimed(self, task_id: str) -> httpx.Request:
        content = json.dumps({"ids": task_id.split(",")}).encode("ascii")
        headers = {**self._request.headers, "Content-Type": "application/json"}
        return httpx.Request(
            "POST", self._request.url, headers=headers, content=content, extensions=self._request.extensions
        )


class _Aimed(httpx.Request):
    """A copy of a request with another path.

    A new `httpx.Request` would take a fifth of the time of a request, mostly for headers that are always the same.
    """

    def __init__(self, like: httpx.Request, target: bytes) -> None:
        self.__dict__.update(like.__dict__, extensions={**like.extensions, "target": target})


async def _pour(stream: httpx.AsyncByteStream, body: Body, reservation: Reservation, deadline: asyncio.Timeout) -> None:
    chunks = aiter(stream)
    async for chunk in chunks:
        has_more = body.feed(chunk)
        while has_more and not body.is_full:
            await _grow(reservation, body.size + PIECE_BYTES, deadline)
            has_more = body.feed(b"")
        if body.is_full:
            # Otherwise the unfinished generator is closed some time later, by a task that is not awaited.
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
            return
        await _grow(reservation, body.size, deadline)
    body.finish()


async def _grow(reservation: Reservation, size: int, deadline: asyncio.Timeout) -> None:
    """Wait for memory. The timeout is suspended meanwhile, because the wait is not the gateway's fault."""
    if size <= max(reservation.size, PIECE_BYTES):
        return
    loop, ends_at = asyncio.get_running_loop(), deadline.when()
    began = loop.time()
    deadline.reschedule(None)
    await reservation.grow(size)
    if ends_at is not None:
        deadline.reschedule(ends_at + loop.time() - began)
