"""Blocking work beside an event loop."""

from __future__ import annotations

import asyncio
import math
import threading
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_DEADLINE_THREAD: Final = "work with a deadline"

P = ParamSpec("P")
T = TypeVar("T")


async def run_for(seconds: float, work: Callable[[], None]) -> None:
    """`work` in a thread, waited for no longer than `seconds`; then it is left behind, and ends with the process.

    For work that can block for ever, as reading from a pipe does, and that may be ended anywhere.

    Raises:
        TimeoutError: when it has not ended by then.
    """
    if math.isinf(seconds):
        await asyncio.to_thread(work)
        return
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def report(error: BaseException | None) -> None:
        if not ended.done():
            ended.set_exception(error) if error else ended.set_result(None)

    def body() -> None:
        error: BaseException | None = None
        try:
            work()
        except BaseException as raised:  # noqa: BLE001 - it is raised where it is waited for
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(report, error)

    threading.Thread(target=body, name=_DEADLINE_THREAD, daemon=True).start()
    await asyncio.wait_for(ended, seconds)


def is_work_left() -> bool:
    """Whether such work still runs: then Python cannot end in order, as the thread may hold what it wants to close."""
    return any(thread.name == _DEADLINE_THREAD for thread in threading.enumerate())


async def run_to_its_end(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`work` in a thread. It cannot be cancelled: a cancellation, or any number, waits until it is done.

    Raises:
        CancelledError: when it was cancelled meanwhile and `work` itself has not failed.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    while not working.done():
        try:
            await asyncio.wait([working])
        except asyncio.CancelledError as error:  # half a write is no write
            cancelled = error
    result = working.result()
    if cancelled is not None:
        raise cancelled
    return result
