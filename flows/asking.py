"""Ask for what is planned, batch by batch, and load what has come while the rest is on its way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from flows.batches import BATCH_IDS
from flows.loading_process import LoadingProcess
from flows.threads import run_to_its_end
from warehouse import plan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from flows.run import Run
    from gateway.client import GatewayClient
    from warehouse.errors import WarehouseError

    RunBatch = Callable[[Run, GatewayClient, list[str]], Awaitable[int]]

_PROGRESS_SECONDS: Final = 0.2
_LOOK_SECONDS: Final = 0.05

#: Answers are loaded after so many: what one load holds in memory grows with them.
LOAD_ANSWERS: Final = 5_000


@dataclass(slots=True)
class Tally:
    """What a run has done so far."""

    asked: int = 0
    answered: int = 0
    segments_loaded: int = 0
    skipped_terminal: int = 0
    problem: WarehouseError | None = None


async def ask_all(run: Run, client: GatewayClient, todo: IO[bytes], tally: Tally, run_batch: RunBatch) -> None:
    """Run the batches, so many at once that the client has enough to do while a batch waits for its slowest."""
    at_once = 2 + 2 * run.settings.concurrency // BATCH_IDS
    running: set[asyncio.Task[int]] = set()
    beside = [asyncio.create_task(_show_progress(run, client, tally))]
    if tally.asked - tally.answered > 2 * LOAD_ANSWERS:  # to start a process takes as long as to ask for thousands
        beside.append(asyncio.create_task(_load_meanwhile(run, client, tally)))
    try:
        for ids in plan.read_todo(todo, BATCH_IDS):
            if client.ended is not None:
                break
            if len(running) >= at_once:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                tally.answered += sum(task.result() for task in done)
            running.add(asyncio.ensure_future(run_batch(run, client, ids)))
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            tally.answered += sum(task.result() for task in done)
        run.voice.progress(tally.answered, tally.asked)
    finally:
        for task in (*beside, *running):
            task.cancel()
        await asyncio.gather(*beside, *running, return_exceptions=True)


async def _show_progress(run: Run, client: GatewayClient, tally: Tally) -> None:
    while True:
        await asyncio.sleep(_PROGRESS_SECONDS)
        run.voice.progress(client.stats.observations, tally.asked)


async def _load_meanwhile(run: Run, client: GatewayClient, tally: Tally) -> None:
    """Load whenever enough has come: requests use one core, loading has another."""
    try:
        loading = LoadingProcess(run)
    except OSError as error:
        run.warn_once(f"no process can be started that would load meanwhile ({error}): all is loaded at the end")
        return
    with loading as process:
        loaded = client.stats.observations
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if client.stats.observations - loaded >= LOAD_ANSWERS:
                loaded = client.stats.observations
                await run_to_its_end(_load, process, tally)


def _load(process: LoadingProcess, tally: Tally) -> None:
    tally.segments_loaded += process.load()
