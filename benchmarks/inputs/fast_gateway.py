"""A gateway that is never the bottleneck: pre-rendered answers of the simulator over a plain socket protocol.

    with running(latency_seconds=0.1) as base_url: ...

It answers any id of 32 characters with the last answer of one of a thousand simulated tasks, chosen by the id, and
runs in a separate process: about fifty thousand requests per second on one core. For `listed` ids it also has the list,
a hundred per page, and answers requests for up to a hundred ids.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from bisect import bisect_left, bisect_right
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qsl

import uvloop

from simulator import World
from simulator.render import body_at

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Its tasks were submitted in the week before today, UTC.
END: Final = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
START: Final = END - timedelta(days=7)

_TEMPLATES: Final = 1000
_LINE: Final = b"GET /avatar/task/"
_ID: Final = slice(len(_LINE), len(_LINE) + 32)
_HEAD: Final = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nX-Oneapi-Request-Id: {hole}\r\n"
    "X-New-Api-Version: v1.0.0-bench\r\nContent-Length: {size}\r\n\r\n"
)


def ids(count: int) -> list[str]:
    """Task ids, the same each time."""
    return [hashlib.blake2b(b"%d" % number, digest_size=16).hexdigest() for number in range(count)]


def templates() -> list[list[bytes]]:
    """Complete answers, split where the id has to be inserted."""
    world = World(seed=3, tasks=_TEMPLATES, start=START, end=END, odd_share=0.0)
    moment = world.all_terminal_at().timestamp()
    return [_template(task.id, body_at(task, moment)) for task in world.tasks]


def _template(task_id: str, known: tuple[bytes, bool] | None) -> list[bytes]:
    assert known is not None
    body = known[0]
    size = len(body) + body.count(task_id.encode()) * (32 - len(task_id))
    return (_HEAD.format(hole=task_id, size=size).encode() + body).split(task_id.encode())


def _of(answers: list[list[bytes]], task_id: bytes) -> bytes:
    """The complete answer about an id."""
    return task_id.join(answers[int(task_id[:8], 16) % len(answers)])


class _Listed:
    """The items of the list, one per task, by submit_time."""

    def __init__(self, answers: list[list[bytes]], count: int) -> None:
        self._answers = answers
        found = []
        for task_id in ids(count):
            item = self._item(task_id.encode())
            found.append((json.loads(item)["submit_time"], item))
        found.sort()
        self._times, self._items = [one[0] for one in found], [one[1] for one in found]

    def page(self, query: str) -> bytes:
        """A page of the list, newest first, within the time range of the query."""
        wanted = {name: int(value) for name, value in parse_qsl(query) if value.isdigit()}
        first = bisect_left(self._times, wanted["start_timestamp"])
        end = bisect_right(self._times, wanted["end_timestamp"])
        number, size = max(wanted["p"], 1), wanted["page_size"]
        until = max(end - (number - 1) * size, first)
        items = b",".join(reversed(self._items[max(until - size, first) : until]))
        head = f'{{"success":true,"message":"","data":{{"page":{number},"page_size":{size},"total":{end - first}'
        return _whole(head.encode() + b',"items":[' + items + b"]}}")

    def many(self, body: bytes) -> bytes:
        """The tasks with these ids."""
        items = b",".join(self._item(one.encode()) for one in json.loads(body)["ids"])
        return _whole(b'{"code":"success","message":"","data":[' + items + b"]}")

    def _item(self, task_id: bytes) -> bytes:
        """The `data` of the single answer."""
        body = _of(self._answers, task_id).partition(b"\r\n\r\n")[2]
        return body[body.index(b'"data":') + len(b'"data":') : body.rindex(b"}")]


def _whole(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, answers: list[list[bytes]], listed: _Listed, latency_seconds: float) -> None:
        self._answers = answers
        self._listed = listed
        self._latency_seconds = latency_seconds
        self._loop = asyncio.get_running_loop()
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass of it

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            answer = self._next(end + 4)
            if answer is None:
                return
            if self._latency_seconds:
                self._loop.call_later(self._latency_seconds, self._transport.write, answer)
            else:
                self._transport.write(answer)

    def _next(self, end: int) -> bytes | None:
        """The answer to the request whose head ends at `end`; None while its body is on the way."""
        if self._received.startswith(b"POST"):
            head = self._received[:end].lower()
            whole = end + int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self._received) < whole:
                return None
            body, self._received = self._received[end:whole], self._received[whole:]
            return self._listed.many(body)
        request, self._received = self._received[:end], self._received[end:]
        if request.startswith(_LINE):
            return _of(self._answers, request[_ID])
        return self._listed.page(request.partition(b"?")[2].partition(b" ")[0].decode())


async def _serve(latency_seconds: float, listed: int) -> None:
    answers = templates()
    tasks = _Listed(answers, listed)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(answers, tasks, latency_seconds), "127.0.0.1", 0, backlog=4096
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


@contextmanager
def running(latency_seconds: float = 0.0, listed: int = 0) -> Iterator[str]:
    """Run a gateway until the block ends; yields its base URL."""
    command = [sys.executable, "-m", "benchmarks.inputs.fast_gateway", str(latency_seconds), str(listed)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        uvloop.run(_serve(float(sys.argv[1]), int(sys.argv[2])))
