"""Load what a run has archived while it still polls: requests use one core, loading another."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.threads import run_to_its_end

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pipeline.collect.destination import Destination
    from pipeline.run import Run

_POLL_SECONDS: Final = 0.05

#: With fewer answers per second than this, a core is idle.
_FEW_A_SECOND: Final = 500

#: If this process mostly waits, it loads this many times as often: a child process costs little then, and less is left
#: to load at the end.
_AS_OFTEN: Final = 10

#: For fewer answers than this share of the usual number, a child process is not worth starting, if each answer takes a
#: request. With a hundred ids in a request, loading takes longer than polling: an early first load makes the run take
#: 1.12 times as long (benchmarks/LOG.md).
_FEW: Final = 1 / 8


@dataclass(frozen=True, slots=True)
class Count:
    """The progress of a run.

    Attributes:
        received: answers so far.
        remaining: answers still to come; infinite if not known.
        single: those of `received` that took a request each.
    """

    received: int
    remaining: float
    single: int = 0


@contextlib.asynccontextmanager
async def loading_beside(run: Run, destination: Destination, count: Callable[[], Count]) -> AsyncIterator[None]:
    """Until the block ends, load whenever enough answers have come and enough are still to come."""
    task = asyncio.create_task(_keep_loading(run, destination, count))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _keep_loading(run: Run, destination: Destination, count: Callable[[], Count]) -> None:
    first, began = count(), run.clock.monotonic()
    loaded = first.received
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        now = count()
        come, waiting, remaining = now.received - first.received, now.received - loaded, now.remaining
        usual = run.sizes.load_answers
        if come < _FEW_A_SECOND * (run.clock.monotonic() - began):
            is_time = waiting >= usual / _AS_OFTEN and remaining >= usual / _AS_OFTEN / 4
        elif now.single - first.single < come / 2:
            is_time = waiting >= usual and remaining >= usual / 2
        else:
            is_time = _is_time_for_single(waiting, remaining, usual, is_first=loaded == first.received)
        if is_time:
            loaded = max(now.received, loaded + await run_to_its_end(destination.while_polling))


def _is_time_for_single(waiting: int, remaining: float, usual: int, *, is_first: bool) -> bool:
    """Whether to load, if each answer takes a request, so that loading is about twice as fast as polling.

    The first load begins early: its child also loads what comes meanwhile. The last one begins when as many answers are
    still to come as wait to be loaded: then it ends with polling, and little is left to load at the end of the run.
    """
    few = usual * _FEW
    return waiting >= (few if is_first else min(usual, remaining)) and remaining >= max(few, waiting / 2)
