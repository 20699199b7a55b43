"""The promise: whatever happens on the wire to one request is one row, and harms no other id.

Each case is one fault, met by one id of a batch on real connections. It says what the warehouse will call it, how many
requests it costs (as the other side counts them), how long it takes at the most (waits included, by the client's own
clock, although nobody waits for them here), and whether the run goes on.
"""

import asyncio
import gzip
import time
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.client import GatewayClient
from gateway.observation import Observation
from gateway.wire import exchange
from tests.gateway.servers import KEY, Reply, Request, Server, answer, raw, serve, serving
from tests.promises import wire
from tests.promises.wire import Detour, HastyClock, Place, outcome

BACKOFF_SECONDS = 0.5 + 1 + 2
"""The most that three retries wait for."""
FAULTY = "faulty"
BEFORE = [f"before-{number}" for number in range(10)]
AFTER = [f"after-{number}" for number in range(20)]


def task(task_id: str) -> bytes:
    return f'{{"code":"success","message":"","data":{{"task_id":"{task_id}","status":"IN_PROGRESS"}}}}'.encode()


TASK = task(FAULTY)
WHOLE = answer(200, TASK).data
HEAD = len(WHOLE) - len(TASK)
NOISE = zlib.compress(b"x" * 64)[2:]


@dataclass(frozen=True)
class Ask:
    """One request about the faulty id."""

    attempt: int
    """From 0."""
    now: datetime
    other_host: str


@dataclass(frozen=True)
class Case:
    reply: Reply | Callable[[Ask], Reply]
    outcome: str
    error: str | None = None
    """How it begins, or one of several ways, divided by |."""
    requests: int = 1
    seconds: float = 1.0
    http_status: int | None = 200
    ends: str | None = None
    """Why the run ends, if it does."""
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass
class Played:
    seen: dict[str, Observation]
    requests: Counter[str]
    seconds: float
    ended: str | None
    other_host: Server


async def play(case: Case) -> Played:
    hasty, asked = HastyClock(), Counter[str]()

    def reply(request: Request) -> Reply:
        attempt = asked[request.task_id]
        asked[request.task_id] += 1
        if request.task_id != FAULTY:
            return answer(200, task(request.task_id))
        ask = Ask(attempt, hasty.now(), other.url)
        return case.reply if isinstance(case.reply, Reply) else case.reply(ask)

    settings = {"timeout": 5.0, "concurrency": 3, **case.settings}
    async with (
        serve(lambda _: answer()) as other,
        serve(reply) as server,
        GatewayClient(server.url, KEY, clock=hasty.clock(), **settings) as client,
    ):
        began = hasty.monotonic()
        seen = {one.task_id: one async for one in client.fetch_many([*BEFORE, FAULTY, *AFTER])}
        took = hasty.monotonic() - began
        return Played(seen, asked, took, client.ended.reason if client.ended else None, other)


def first(count: int, reply: Reply, then: Reply | None = None) -> Callable[[Ask], Reply]:
    """So many times this, and from then on the task."""
    return lambda ask: reply if ask.attempt < count else then or answer(200, TASK)


def at(seconds: float) -> Callable[[Ask], Reply]:
    """Refused once, until a time of day."""
    return lambda ask: (
        answer(200, TASK)
        if ask.attempt
        else answer(429, b"", Retry_After=format_datetime(ask.now + timedelta(seconds=seconds + 1), usegmt=True))
    )


def refused(retry_after: str) -> Reply:
    return answer(429, b"", Retry_After=retry_after)


def redirect(status: int, location: str) -> Callable[[Ask], Reply]:
    return lambda ask: answer(status, b"", Location=location.format(other=ask.other_host))


def encoded(name: str, body: bytes) -> Reply:
    return answer(200, body, Content_Encoding=name)


def sized(length: int, body: bytes, then: Any = "close") -> Reply:  # noqa: ANN401 - one of Reply's words
    return Reply(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode() + body, then)


def chunked(body: str) -> Reply:
    return raw(f"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n{body}")


STAYS: dict[str, Any] = {"requests": 4, "seconds": BACKOFF_SECONDS + 1}
LATE: dict[str, Any] = {"requests": 4, "seconds": BACKOFF_SECONDS + 4 * 0.15 + 1, "settings": {"timeout": 0.15}}
HTML = b"<!doctype html><html><body>New API</body></html>"
SMUGGLED = answer(200, task("somebody-else")).data

CASES = {
    # The connection.
    "reset before an answer": Case(Reply(b"", "reset"), "transport_error", "reset:", http_status=None, **STAYS),
    "closed before an answer": Case(Reply(b"", "close"), "transport_error", "reset:", http_status=None, **STAYS),
    "reset once, then fine": Case(first(1, Reply(b"", "reset")), "task", requests=2, seconds=1.5),
    "reset within the body": Case(sized(99, b"{", "reset"), "transport_error", "reset:|truncated:", **STAYS),
    "no HTTP": Case(raw("SSH-2.0-x\n\n"), "transport_error", "protocol:", http_status=None),
    "no header": Case(raw("HTTP/1.1 200 OK\nno colon here\n\n"), "transport_error", "protocol:", http_status=None),
    "no number for a length": Case(
        raw("HTTP/1.1 200 OK\nContent-Length: many\n\n"), "transport_error", "protocol:", http_status=None
    ),
    "a header without an end": Case(
        raw(f"HTTP/1.1 200 OK\nX: {'x' * 20_000}\n\n"), "transport_error", "protocol:", http_status=None
    ),
    # Time-outs.
    "no answer in time": Case(Reply(b"", "hang"), "transport_error", "timeout:", http_status=None, **LATE),
    "a body that stops": Case(sized(99, b"{", "hang"), "transport_error", "timeout:", **LATE),
    "a body slower than the time-out": Case(
        Reply(WHOLE, drip_seconds=0.004, drip_from=HEAD), "transport_error", "timeout:", **LATE
    ),
    "a head slower than the time-out": Case(
        Reply(WHOLE, drip_seconds=0.05), "transport_error", "timeout:", http_status=None, **LATE
    ),
    "a slow body within it": Case(Reply(WHOLE, drip_seconds=0.001), "task", seconds=2),
    # Lengths.
    "truncated": Case(sized(len(TASK) + 9, TASK), "transport_error", "truncated:", **STAYS),
    "truncated once, then fine": Case(first(1, sized(999, TASK)), "task", requests=2, seconds=1.5),
    "a length too short": Case(sized(len(TASK) - 9, TASK, "keep"), "transport_error", "protocol:", http_status=None),
    "garbage after the answer": Case(
        sized(len(TASK), TASK + b"\r\n<garbage>\r\n", "keep"), "transport_error", "protocol:", http_status=None
    ),
    "an answer after the answer": Case(sized(len(TASK), TASK + SMUGGLED, "keep"), "task"),
    "no length at all": Case(raw(f"HTTP/1.0 200 OK\n\n{TASK.decode()}"), "task"),
    "two lengths": Case(
        raw("HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 4\n\n{}{}"),
        "transport_error", "protocol:", http_status=None,
    ),
    "a chunk cut": Case(chunked("5\n{}"), "transport_error", "truncated:", **STAYS),
    "the last chunk missing": Case(chunked("2\n{}\n"), "transport_error", "truncated:", **STAYS),
    "a chunk of no length": Case(chunked("zz\n{}\n"), "transport_error", "protocol:", http_status=None),
    "an empty body": Case(answer(200, b""), "malformed"),
    # Encodings, none of which was asked for.
    "gzip": Case(encoded("gzip", gzip.compress(TASK)), "task"),
    "deflate": Case(encoded("deflate", zlib.compress(TASK)), "task"),
    "gzip that is none": Case(encoded("gzip", TASK), "malformed", "encoding:"),
    "deflate that is none": Case(encoded("deflate", b"\xff\xff\xff\xff"), "malformed", "encoding:"),
    "more after the end of gzip": Case(encoded("gzip", gzip.compress(TASK) + b"more"), "malformed", "encoding:"),
    "gzip cut short": Case(encoded("gzip", gzip.compress(TASK)[:-9]), "transport_error", "truncated:", **STAYS),
    "brotli": Case(encoded("br", b"\x8b\x00\x80{}\x03"), "malformed", "encoding:"),
    "zstd": Case(encoded("zstd", b"\x28\xb5\x2f\xfd" + NOISE), "malformed", "encoding:"),
    "gzip within gzip": Case(encoded("gzip, gzip", gzip.compress(gzip.compress(TASK))), "malformed", "encoding:"),
    "an unknown encoding": Case(encoded("sdch", TASK), "malformed", "encoding:"),
    "a compression bomb": Case(
        encoded("gzip", gzip.compress(b"\0" * 100_000_000, 9)), "oversized", settings={"max_body_bytes": 10_000}
    ),
    "oversized": Case(answer(200, b"x" * 3_000_000), "oversized", settings={"max_body_bytes": 1_000_000}),
    "oversized and without an end": Case(
        raw("HTTP/1.1 200 OK\n\n" + "x" * 2_000_000, "hang"), "oversized", settings={"max_body_bytes": 1_000_000}
    ),
    # Redirects.
    "a redirect on the same host": Case(
        redirect(302, "/login?next=1"), "malformed", "redirect: not followed, to /login", http_status=302
    ),
    "a redirect to another host": Case(
        redirect(307, "{other}/avatar/task/faulty"), "malformed", "redirect: not followed", http_status=307
    ),
    "a redirect to itself": Case(redirect(301, "/avatar/task/faulty"), "malformed", "redirect:", http_status=301),
    # Statuses.
    "HTML with 200": Case(answer(200, HTML, Content_Type="text/html"), "malformed"),
    "an unknown id": Case(answer(400, b'{"code":"task_not_exist","data":null}'), "missing", http_status=400),
    "401": Case(answer(401), "denied", http_status=401, ends="key_refused"),
    "403": Case(
        answer(403, b'{"error":{"message":"token disabled"}}'), "denied", http_status=403, ends="key_refused"
    ),
    "403 of a proxy": Case(answer(403), "malformed", http_status=403),
    "404": Case(answer(404), "malformed", http_status=404),
    "408": Case(answer(408), "server_error", http_status=408, **STAYS),
    "409": Case(answer(409), "malformed", http_status=409),
    "425": Case(answer(425), "malformed", http_status=425),
    "429 twice": Case(first(2, answer(429, b"")), "task", requests=3, seconds=2 * 1.1 + 2),
    "429 for 7 seconds": Case(first(1, refused("7")), "task", requests=2, seconds=7.7 + 1),
    "429 until a time of day": Case(at(7), "task", requests=2, seconds=1.1 * 8 + 1),
    "429 until yesterday": Case(at(-86_400), "task", requests=2, seconds=2),
    "429 until soon": Case(first(1, refused("soon")), "task", requests=2, seconds=2.1),
    "429 until tomorrow": Case(refused("86400"), "throttled", http_status=429, ends="retry_later"),
    "429 until the end of time": Case(refused("9" * 400), "throttled", http_status=429, ends="retry_later"),
    "429 for ever": Case(
        answer(429, b""), "throttled", requests=150, seconds=700, http_status=429, ends="retry_later"
    ),
    "500": Case(answer(500), "server_error", http_status=500, **STAYS),
    "500 twice, then fine": Case(first(2, answer(500)), "task", requests=3, seconds=2.5),
    "501": Case(answer(501), "server_error", http_status=501),
    "502": Case(answer(502, HTML), "server_error", http_status=502, **STAYS),
    "503": Case(answer(503), "server_error", http_status=503, **STAYS),
    "503 for 7 seconds": Case(first(1, answer(503, b"", Retry_After="7")), "task", requests=2, seconds=7.7 + 1),
    "504": Case(answer(504), "server_error", http_status=504, **STAYS),
}  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_a_fault_of_one_answer_is_one_row_and_affects_no_other(case: Case) -> None:
    """Whatever a gateway sends, the ids beside it are answered as if nothing had happened."""
    played = asyncio.run(asyncio.wait_for(play(case), 60))
    one = played.seen[FAULTY]
    assert (outcome(one), one.http_status) == (case.outcome, case.http_status)
    assert_error(one.error, case.error)
    assert (one.body is None) == (one.http_status is None)
    assert one.body is None or len(one.body) <= case.settings.get("max_body_bytes", 200)
    assert_requests(played.requests[FAULTY], case)
    assert played.seconds <= case.seconds
    assert played.ended == case.ends
    assert_the_rest_is_unharmed(played.seen, all_of_it=case.ends is None)
    assert played.other_host.connections == 0


def assert_error(error: str | None, expected: str | None) -> None:
    if expected is None:
        assert error is None
    else:
        assert (error or "").startswith(tuple(expected.split("|"))), error


def assert_requests(count: int, case: Case) -> None:
    """To the request, but for what only ends with a client's patience."""
    assert count <= case.requests if case.requests > 10 else count == case.requests


def assert_the_rest_is_unharmed(seen: dict[str, Observation], *, all_of_it: bool) -> None:
    """Each at the first try, and its own answer."""
    others = {task_id: one for task_id, one in seen.items() if task_id != FAULTY}
    assert {(one.http_status, one.error, one.attempts, one.refusals) for one in others.values()} == {(200, None, 1, 0)}
    assert all(one.body == task(task_id) for task_id, one in others.items())
    if all_of_it:
        assert others.keys() == {*BEFORE, *AFTER}


@pytest.mark.parametrize(
    "stray",
    [pytest.param(SMUGGLED, id="an answer"), pytest.param(b"<garbage>", id="garbage"), pytest.param(b"H", id="a byte")],
)
def test_unrequested_data_is_never_taken_as_an_answer(stray: bytes) -> None:
    """Not even when it comes on a connection at rest, where the next request would find it."""

    def reply(request: Request) -> Reply:
        stray_here = stray if request.task_id == "before-3" else b""
        return Reply(answer(200, task(request.task_id)).data, stray=stray_here)

    async def main() -> None:
        async with serve(reply) as server, GatewayClient(server.url, KEY, concurrency=1, rate=8.0) as client:
            seen = {one.task_id: one async for one in client.fetch_many(BEFORE)}
            assert {task_id: one.body for task_id, one in seen.items()} == {name: task(name) for name in BEFORE}

    asyncio.run(main())


def test_unrequested_unread_data_is_never_taken_as_an_answer() -> None:
    """It lies in the socket while the program is busy, which goes on with the next request."""

    def reply(request: Request) -> Reply:
        return Reply(answer(200, task(request.task_id)).data, stray=SMUGGLED if request.task_id == "one" else b"")

    async def main() -> None:
        with serving(reply) as server:
            client = GatewayClient(server.url, KEY, concurrency=1)
            async with client:
                exchange = client._poller._exchange
                assert (await exchange.get("one")).body == task("one")
                time.sleep(0.2)  # noqa: ASYNC251 - nothing is read meanwhile
                assert (await exchange.get("two")).body == task("two")

    asyncio.run(main())


Elsewhere = Callable[[Path], AbstractAsyncContextManager[Place]]


@pytest.mark.parametrize(
    ("elsewhere", "error", "requests", "connections"),
    [
        pytest.param(wire.no_such_name, "dns:", 4, 0, id="DNS failure"),
        pytest.param(wire.nobody_listens, "connect:", 4, 0, id="refused"),
        pytest.param(wire.a_full_backlog, "timeout:", 4, 0, id="time-out on connect"),
        pytest.param(wire.a_silent_handshake, "timeout:", 4, 4, id="time-out on the TLS handshake"),
        pytest.param(wire.an_unknown_authority, "tls:", 1, 1, id="TLS of an unknown authority"),
        pytest.param(wire.no_tls_at_all, "tls:", 1, 1, id="TLS spoken to a plain port"),
    ],
)
def test_a_failed_connection_is_one_row_and_affects_no_other(
    elsewhere: Elsewhere, error: str, requests: int, connections: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connecting has a time-out of its own, far below that of a request."""
    monkeypatch.setattr(exchange, "CONNECT_SECONDS", 0.15)
    hasty = HastyClock()

    async def main() -> tuple[dict[str, Observation], int, list[object]]:
        async with serve(lambda request: answer(200, task(request.task_id))) as server, elsewhere(tmp_path) as place:
            detour = Detour(server.url, FAULTY, place.url)
            client = GatewayClient(server.url, KEY, clock=hasty.clock(), transport=detour, concurrency=3)
            async with client:
                seen = {one.task_id: one async for one in client.fetch_many([*BEFORE, FAULTY, *AFTER])}
            assert client.ended is None
            return seen, detour.detours, place.connections

    began = hasty.monotonic()
    seen, detours, came = asyncio.run(asyncio.wait_for(main(), 60))
    assert outcome(seen[FAULTY]) == "transport_error"
    assert_error(seen[FAULTY].error, error)
    assert (detours, len(came)) == (requests, connections)
    assert hasty.monotonic() - began <= BACKOFF_SECONDS + 4 * 0.15 + 2
    assert_the_rest_is_unharmed(seen, all_of_it=True)
