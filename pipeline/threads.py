"""Blocking work beside an event loop.

Every command imports this, so that asyncio is only imported where there is a loop: 0.02 s.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_DEADLINE_THREAD: Final = "work with a deadline"

P = ParamSpec("P")
T = TypeVar("T")


async def run_for(seconds: float, work: Callable[[], None]) -> None:
    """Run `work` in a thread and wait at most `seconds` for it; after that the thread is left to end with the process.

    For work that can block for ever, such as reading from a pipe, and that may be stopped at any point.

    Raises:
        TimeoutError: when it has not ended within `seconds`.
    """
    import asyncio

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
        except BaseException as raised:  # noqa: BLE001 - raised again where it is awaited
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(report, error)

    threading.Thread(target=body, name=_DEADLINE_THREAD, daemon=True).start()
    await asyncio.wait_for(ended, seconds)


def is_work_left() -> bool:
    """Whether such a thread still runs: then Python cannot exit normally, as the thread may hold what has to close."""
    return any(thread.name == _DEADLINE_THREAD for thread in threading.enumerate())


async def run_to_its_end(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a thread that cannot be cancelled: any cancellation takes effect only after `work` is done.

    Raises:
        CancelledError: when this was cancelled meanwhile and `work` itself has not failed.
    """
    import asyncio

    working = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    while not working.done():
        try:
            await asyncio.wait([working])
        except asyncio.CancelledError as error:  # a write must not stop halfway
            cancelled = error
    result = working.result()
    if cancelled is not None:
        raise cancelled
    return result
