"""What the tests about the wire share: places where no gateway is, and a clock that does not wait."""

import asyncio
import contextlib
import functools
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from gateway.clock import Clock
from gateway.observation import Observation
from gateway.wire.transport import build_transport
from pipeline.collect.batches import answers_frame
from tests.gateway.certificates import self_signed
from tests.gateway.servers import answer, closed_port, serve
from transforms.flatten import transform
from warehouse.analysis import DEFAULTS, read_analysis


class HastyClock:
    """Real time, and what somebody wanted to wait for on top of it, without waiting."""

    def __init__(self) -> None:
        self.skipped_seconds = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.skipped_seconds

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.skipped_seconds)

    async def sleep(self, seconds: float) -> None:
        self.skipped_seconds += seconds
        await asyncio.sleep(0)

    def clock(self) -> Clock:
        return Clock(self.monotonic, self.now, self.sleep)


@dataclass
class Place:
    """Somewhere a gateway is not."""

    url: str
    connections: list[object] = field(default_factory=list)
    """One item for each that came; empty also where none can be noticed."""


class Detour(httpx.AsyncBaseTransport):
    """A real transport, but requests about one id go to another place."""

    def __init__(self, base_url: str, task_id: str, elsewhere: str) -> None:
        self._inner = build_transport(base_url, 4)
        self._task_id = task_id
        self._elsewhere = elsewhere
        self.detours = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        target = request.extensions["target"].decode()
        if target.endswith(f"/{self._task_id}"):
            self.detours += 1
            request.url = httpx.URL(self._elsewhere + target)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def nobody_listens(_folder: Path) -> AsyncGenerator[Place, None]:
    yield Place(f"http://127.0.0.1:{closed_port()}")


@asynccontextmanager
async def no_such_name(_folder: Path) -> AsyncGenerator[Place, None]:
    """The system's own resolver fails, without asking any network for it."""
    ask_system = socket.getaddrinfo

    def fail(host: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as the one that it stands in for
        if str(host).endswith(".invalid"):
            return ask_system(host, None, flags=socket.AI_NUMERICHOST)
        return ask_system(host, *args, **options)

    socket.getaddrinfo = fail
    try:
        yield Place("http://gateway.invalid")
    finally:
        socket.getaddrinfo = ask_system


@asynccontextmanager
async def a_full_backlog(_folder: Path) -> AsyncGenerator[Place, None]:
    """A connection that is never accepted, as with a host that drops packets."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)  # noqa: FBT003 - the name of its only argument is `flag`
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield Place(f"http://127.0.0.1:{listener.getsockname()[1]}")


@asynccontextmanager
async def a_silent_handshake(_folder: Path) -> AsyncGenerator[Place, None]:
    """A connection that is accepted, and then nobody says anything."""
    async with _raw_server(b"") as place:
        yield place


@asynccontextmanager
async def no_tls_at_all(_folder: Path) -> AsyncGenerator[Place, None]:
    """A plain HTTP port, which answers a handshake as common servers do."""
    async with _raw_server(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") as place:
        yield place


@asynccontextmanager
async def an_unknown_authority(folder: Path) -> AsyncGenerator[Place, None]:
    context = self_signed(folder).server_context()
    place = Place("")
    context.sni_callback = lambda _socket, name, _context: place.connections.append(name)
    async with serve(lambda _: answer(), context) as server:
        place.url = server.url
        yield place


@asynccontextmanager
async def _raw_server(says: bytes) -> AsyncGenerator[Place, None]:
    """Says one thing once it was spoken to; nothing at all keeps the connection open."""
    open_now: set[asyncio.StreamWriter] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place.connections.append(writer)
        open_now.add(writer)
        with contextlib.suppress(OSError):
            await reader.read(1000)
            if says:
                writer.write(says)
                await writer.drain()
                writer.close()

    listener = await asyncio.start_server(converse, "127.0.0.1", 0)
    place = Place(f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    try:
        yield place
    finally:
        listener.close()
        for writer in open_now:
            writer.close()
        await asyncio.sleep(0)


def outcome(seen: Observation) -> str:
    """What the warehouse will call it."""
    return _outcome(seen.http_status, seen.error, seen.body, body_cut=seen.body_cut)


@functools.cache
def _outcome(http_status: int | None, error: str | None, body: bytes | None, *, body_cut: bool) -> str:
    """Of nothing but these facts."""
    seen = Observation(
        source="default",
        task_id="task",
        observed_at=datetime.now(UTC),
        http_status=http_status,
        content_type=None,
        body=body,
        body_cut=body_cut,
        elapsed_ms=1.0,
        attempts=1,
        refusals=0,
        request_id=None,
        gateway_version=None,
        error=error,
    )
    rules = read_analysis(DEFAULTS).failure_rules
    return str(transform(answers_frame([seen], "segment", "run"), rules).observations["outcome"].item())
