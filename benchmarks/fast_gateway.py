"""A gateway that is never the bottleneck: pre-rendered answers of the simulator over a plain socket protocol.

    with running(latency_seconds=0.1) as base_url: ...

It answers any id of 32 characters with the last answer of one of a thousand simulated tasks, chosen by the id, and
runs in a separate process. About fifty thousand requests a second on one core.
"""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import uvloop

from simulator import World
from simulator.render import body_at

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEMPLATES: Final = 1000
_LINE: Final = b"GET /avatar/task/"
_ID: Final = slice(len(_LINE), len(_LINE) + 32)
_HEAD: Final = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nX-Oneapi-Request-Id: {hole}\r\n"
    "X-New-Api-Version: v1.0.0-bench\r\nContent-Length: {size}\r\n\r\n"
)


def ids(count: int) -> list[str]:
    """Task ids, the same ones each time."""
    return [hashlib.blake2b(b"%d" % number, digest_size=16).hexdigest() for number in range(count)]


def templates() -> list[list[bytes]]:
    """Complete answers, split at the places of the id."""
    end = datetime(2026, 6, 1, tzinfo=UTC)
    world = World(seed=3, tasks=_TEMPLATES, start=end - timedelta(days=7), end=end, odd_share=0.0)
    moment = world.all_terminal_at().timestamp()
    return [_template(task.id, body_at(task, moment)) for task in world.tasks]


def _template(task_id: str, known: tuple[bytes, bool] | None) -> list[bytes]:
    assert known is not None
    body = known[0]
    size = len(body) + body.count(task_id.encode()) * (32 - len(task_id))
    return (_HEAD.format(hole=task_id, size=size).encode() + body).split(task_id.encode())


class _Connection(asyncio.Protocol):
    def __init__(self, answers: list[list[bytes]], latency_seconds: float) -> None:
        self._answers = answers
        self._latency_seconds = latency_seconds
        self._loop = asyncio.get_running_loop()
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            task_id, self._received = self._received[_ID], self._received[end + 4 :]
            answer = task_id.join(self._answers[int(task_id[:8], 16) % len(self._answers)])
            if self._latency_seconds:
                self._loop.call_later(self._latency_seconds, self._transport.write, answer)
            else:
                self._transport.write(answer)


async def _serve(latency_seconds: float) -> None:
    answers = templates()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(answers, latency_seconds), "127.0.0.1", 0, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


@contextmanager
def running(latency_seconds: float = 0.0) -> Iterator[str]:
    """The base URL of a gateway that runs until the block ends."""
    command = [sys.executable, "-m", "benchmarks.fast_gateway", str(latency_seconds)]
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        uvloop.run(_serve(float(sys.argv[1])))
