"""Time that passes as fast as it can: an event loop that jumps to its next timer, and a gateway inside it."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx

from gateway.clock import Clock

T = TypeVar("T")
START = datetime(2026, 1, 1, tzinfo=UTC)


class _Jumping(selectors.SelectSelector):
    """Instead of waiting, it says that the time has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits for somebody else, for ever")
        self.passed += max(timeout, 0.0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.passed


def run_virtual(coroutine: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)


def virtual_clock() -> Clock:
    """The running loop's time."""
    loop = asyncio.get_running_loop()
    return Clock(loop.time, lambda: START + timedelta(seconds=loop.time()), asyncio.sleep)


class VirtualGateway(httpx.AsyncBaseTransport):
    """Answers after `latency` seconds with what `reply` makes of the time and the number of the request."""

    def __init__(self, reply: Callable[[float, int], httpx.Response], latency: float = 0.05) -> None:
        self.reply = reply
        self.latency = latency
        self.sent_at: list[float] = []
        self.in_flight = 0
        self.most_in_flight: list[int] = []
        self.in_flight_at: list[int] = []

    def reply_to(self, request: httpx.Request, now: float, number: int) -> httpx.Response:
        del request
        return self.reply(now, number)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        loop = asyncio.get_running_loop()
        number = len(self.sent_at)
        self.sent_at.append(loop.time())
        self.in_flight += 1
        self.in_flight_at.append(self.in_flight)
        self.most_in_flight.append(max([self.in_flight, *self.most_in_flight[-1:]]))
        try:
            await asyncio.sleep(self.latency)
            return self.reply_to(request, loop.time(), number)
        finally:
            self.in_flight -= 1


class VirtualTasks(VirtualGateway):
    """Answers each id in its own way, and knows when each was answered well first."""

    def __init__(self, answer: Callable[[float, str], httpx.Response], latency: float = 0.05) -> None:
        super().__init__(ok, latency)
        self.answer = answer
        self.polled: list[str] = []
        self.arrived_at: dict[str, float] = {}

    def reply_to(self, request: httpx.Request, now: float, number: int) -> httpx.Response:
        del number
        task_id = request.extensions["target"].decode().rpartition("/")[2]
        self.polled.append(task_id)
        response = self.answer(now, task_id)
        if response.status_code == 200:
            self.arrived_at.setdefault(task_id, now)
        return response


def ok(_now: float, _number: int) -> httpx.Response:
    return httpx.Response(200, content=b"{}")


def status(code: int, **headers: str) -> Callable[[float, int], httpx.Response]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _now, _number: httpx.Response(code, headers=named, content=b"{}")
