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

#: The first load begins after this share of the usual number, if each answer took a request and as many are still to
#: come: with a child that looks again, 12,000 to 60,000 ids take 0.91 to 0.96 times as long as with a third of it and
#: one that does not. With a hundred ids in a request, loading takes longer than polling, and the run 1.12 times as long
#: (benchmarks/LOG.md).
_FIRST_SHARE: Final = 1 / 8


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
        is_idle = now.received - first.received < _FEW_A_SECOND * (run.clock.monotonic() - began)
        usual = run.sizes.load_answers / (_AS_OFTEN if is_idle else 1)
        is_time = now.received - loaded >= usual and now.remaining >= usual / (4 if is_idle else 2)
        if loaded == first.received and not is_idle:
            is_time |= min(now.single - first.single, now.remaining) >= usual * _FIRST_SHARE
        if is_time:
            loaded = max(now.received, loaded + await run_to_its_end(destination.while_polling))
