"""Ctrl-C, SIGTERM and SIGHUP: each stops a command once, in order, so that what it has fetched is kept.

Python's default handler raises KeyboardInterrupt wherever the program is at that moment, even while it cleans up after
the first one; SIGTERM and SIGHUP end the process at once by default.

The program imports this module before all others, so it imports little itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

T = TypeVar("T")

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: The exit code of a command that a signal has stopped.
INTERRUPTED: Final = 130

#: A signal within this time after another is ignored: the first one is still being handled.
_SAME_SECONDS: Final = 3.0


class _Interruption:
    """What the signals of this process do.

    Attributes:
        cancel: cancels the event loop's work; None if there is no loop: then KeyboardInterrupt is raised.
        at: when the last signal that was not ignored came, in monotonic seconds.
    """

    cancel: Callable[[], object] | None = None
    at: float | None = None

    def __call__(self, _signal: int, _frame: object) -> None:
        now = time.monotonic()
        if self.at is not None and (self.cancel or now - self.at < _SAME_SECONDS):
            return
        self.at = now
        if self.cancel is None:
            raise KeyboardInterrupt
        self.cancel()


_interruption = _Interruption()


def stop_early() -> None:
    """Until `handled` takes over, Ctrl-C ends the process at once, unless it is set to be ignored (`nohup … &`)."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop_at_once)


def _stop_at_once(_signal: int, _frame: object) -> None:
    """Nothing has begun, so nothing has to be cleaned up. Python's handler would show a traceback of imports."""
    with contextlib.suppress(OSError):  # stderr is closed
        os.write(2, b"avatar-tasks: stopped before it began\n")
    os._exit(INTERRUPTED)


#: The default handlers, and the one above: those that `handled` replaces.
_UNDECIDED: Final = (signal.SIG_DFL, signal.default_int_handler, _stop_at_once)


def has_come() -> bool:
    """Whether a signal is stopping the command; for threads, which receive no signals."""
    return _interruption.at is not None


@contextlib.contextmanager
def handled() -> Iterator[None]:
    """Signals interrupt the block, except those that are set to be ignored (`nohup`) or have another handler."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _interruption.at = None
    ours = [one for one in _SIGNALS if signal.getsignal(one) in _UNDECIDED]
    before = {one: signal.signal(one, _interruption) for one in ours}
    try:
        yield
    finally:
        for one, handler in before.items():  # one that comes while the process ends must not change its exit code
            signal.signal(one, signal.SIG_IGN if has_come() else handler)
        _interruption.at = None


def run(work: Coroutine[Any, Any, T]) -> T:
    """Like `asyncio.run`, but the first signal cancels `work` and later ones change nothing.

    Raises:
        KeyboardInterrupt: when a signal has cancelled it, after it has cleaned up.
    """
    import asyncio

    try:
        return asyncio.run(_cancellable(work))
    except asyncio.CancelledError:
        if _interruption.at is None:
            raise
        raise KeyboardInterrupt from None


async def _cancellable(work: Coroutine[Any, Any, T]) -> T:
    import asyncio

    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in a task
    _interruption.cancel = lambda: loop.call_soon_threadsafe(task.cancel)
    try:
        return await work
    finally:
        _interruption.cancel = None
