"""Real servers on loopback that misbehave on request."""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from gateway.client import GatewayClient
from gateway.clock import Clock
from gateway.observation import Observation

KEY = "sk-abcdefghijklmnop"
NO_WAIT = Clock(sleep=lambda seconds: asyncio.sleep(min(seconds, 0.002)))
"""Real time, but nobody waits for a retry."""


@dataclass(frozen=True)
class Reply:
    """Bytes to send, and what happens to the connection then."""

    data: bytes
    then: Literal["keep", "close", "reset", "hang"] = "keep"
    delay_seconds: float = 0.0
    drip_seconds: float = 0.0
    """Between one byte and the next, from byte `drip_from` on; 0 sends them all at once."""
    drip_from: int = 0
    stray: bytes = b""
    """Sent a little later, when nobody has asked for anything."""


@dataclass(frozen=True)
class Request:
    number: int
    """From 0, over the life of the server."""
    line: str
    headers: dict[str, str]

    @property
    def task_id(self) -> str:
        return self.line.split(" ")[1].rpartition("/")[2]


@dataclass
class Server:
    url: str
    requests: list[Request] = field(default_factory=list)
    connections: int = 0


def answer(status: int = 200, body: bytes = b"{}", /, **headers: str) -> Reply:
    """A whole, well-formed answer; `content_type="…"` sets that header."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return Reply("\r\n".join([*lines, "", ""]).encode() + body)


def raw(text: str, then: Literal["keep", "close", "reset", "hang"] = "close") -> Reply:
    """Exactly these characters; line feeds become CRLF."""
    return Reply(text.replace("\n", "\r\n").encode("latin-1"), then)


@asynccontextmanager
async def serve(reply: Callable[[Request], Reply], tls: ssl.SSLContext | None = None) -> AsyncGenerator[Server, None]:
    """Answers every request with what `reply` makes of it."""
    tasks: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        running.connections += 1
        try:
            while await _exchange(reader, writer, running, reply):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, or the test is over
        finally:
            writer.close()

    listener = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls)
    scheme = "http" if tls is None else "https"
    running = Server(f"{scheme}://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    try:
        yield running
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


@contextmanager
def serving(reply: Callable[[Request], Reply], tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """The same from a thread, for commands in processes of their own."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, Server]] = Future()

    async def main() -> None:
        over = asyncio.Event()
        async with serve(reply, tls) as server:
            started.set_result((asyncio.get_running_loop(), over, server))
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    loop, over, server = started.result(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: Server, reply: Callable[[Request], Reply]
) -> bool:
    """One request and its answer; whether the connection stays."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head.strip().split("\r\n")
    pairs = (line.split(": ", 1) for line in rest)
    request = Request(len(server.requests), first, {name.lower(): value for name, value in pairs})
    server.requests.append(request)
    chosen = reply(request)
    await asyncio.sleep(chosen.delay_seconds)
    await _send(writer, chosen)
    if chosen.then == "hang":
        await asyncio.sleep(60)
    if chosen.then == "reset":
        await asyncio.sleep(0.02)  # so that what was written arrives before the reset discards it
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    return chosen.then == "keep"


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> None:
    at_once = reply.drip_from if reply.drip_seconds else len(reply.data)
    for piece in (reply.data[:at_once], *(bytes([byte]) for byte in reply.data[at_once:])):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(reply.drip_seconds)
    if reply.stray:
        await asyncio.sleep(0.02)
        writer.write(reply.stray)


#: Bound for as long as the tests run, and never listening.
_TAKEN = socket.socket()


@cache
def closed_port() -> int:
    """A port on loopback where nobody listens, nor will: it stays taken, by a socket that takes no connections."""
    _TAKEN.bind(("127.0.0.1", 0))
    port: int = _TAKEN.getsockname()[1]
    return port


async def fetch(client: GatewayClient, ids: list[str]) -> dict[str, Observation]:
    return {observation.task_id: observation async for observation in client.fetch_many(ids)}


def look(
    reply: Callable[[Request], Reply],
    **settings: Any,  # noqa: ANN401 - whatever the client takes
) -> tuple[Observation, Server]:
    """What one id becomes."""
    settings = {"clock": NO_WAIT, **settings}

    async def main() -> tuple[Observation, Server]:
        async with serve(reply) as server, GatewayClient(server.url, KEY, **settings) as client:
            observations = await fetch(client, ["task_1"])
            return observations["task_1"], server

    return asyncio.run(main())
