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


@dataclass(frozen=True, slots=True)
class Count:
    """The progress of a run.

    Attributes:
        received: answers so far.
        remaining: answers still to come; infinite if not known.
    """

    received: int
    remaining: float


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
    loaded = first = count().received
    began = run.clock.monotonic()
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        now = count()
        is_idle = now.received - first < _FEW_A_SECOND * (run.clock.monotonic() - began)
        enough = run.sizes.load_answers / (_AS_OFTEN if is_idle else 1)
        if now.received - loaded >= enough and now.remaining >= enough / (4 if is_idle else 2):
            loaded = now.received
            await run_to_its_end(destination.while_polling)
