"""Poll what is planned, batch by batch, and load answers that have come while others are still awaited."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from gateway.ids import why_invalid
from pipeline.collect.beside import Count, loading_beside
from pipeline.collect.bulk.requests import Bulk
from warehouse import plan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.client import GatewayClient
    from pipeline.collect.destination import Destination
    from pipeline.run import Run

    RunBatch = Callable[[Run, GatewayClient, list[str]], Awaitable[int]]

_PROGRESS_SECONDS: Final = 0.2
_POLL_SECONDS: Final = 0.05

#: How many additional batches may run while others only wait to retry failed ids.
MORE_BATCHES: Final = 8


@dataclass(slots=True)
class Tally:
    """What a run has done so far: ids planned and answered, and given ids that had ended before."""

    planned: int = 0
    answered: int = 0
    skipped_terminal: int = 0


class Fetcher:
    """Fetches what is planned, while the answers so far are loaded."""

    def __init__(
        self, run: Run, client: GatewayClient, destination: Destination, tally: Tally, run_batch: RunBatch
    ) -> None:
        self._run = run
        self._client = client
        self._destination = destination
        self._tally = tally
        self._run_batch = run_batch
        self._bulk = Bulk(run, client)

    async def fetch(self, todo: IO[bytes]) -> None:
        """Run the batches, enough at once that the client is busy while a batch waits for its slowest request."""
        batches = _Batches(self._run, self._client, self._tally, self._batch)
        showing = asyncio.create_task(self._show_progress())
        async with loading_beside(self._run, self._destination, self._count):
            try:
                await self._run_all(batches, todo)
                self._run.reporter.progress(self._tally.answered, self._tally.planned)
            finally:
                for task in (showing, *batches.running):
                    task.cancel()
                await asyncio.gather(showing, *batches.running, return_exceptions=True)

    async def _run_all(self, batches: _Batches, todo: IO[bytes]) -> None:
        for ids, failed_before in plan.read_todo(todo, self._run.sizes.batch_ids):
            await batches.room()
            if self._client.ended is not None:
                break
            self._client.suspect(failed_before)
            if pollable := self._pollable(ids):
                batches.start(pollable)
        await batches.finish()

    def _pollable(self, ids: list[str]) -> list[str]:
        """The ids that may be sent: the gateway's list may also contain `null`, or something that looks like a key."""
        good = [one for one in ids if why_invalid(one) is None]
        if left := len(ids) - len(good):
            self._tally.planned -= left
            self._run.warn_once(
                f"{left:,} pending ids from the gateway's list cannot be polled, because they are not valid task ids: "
                'see `avatar-tasks sql "from pending order by length(task_id)"`'
            )
        return good

    async def _batch(self, ids: list[str]) -> int:
        """Send bulk requests, then request the remaining ids one by one; returns how many were answered."""
        left = await self._bulk.fetch(ids)
        single = await self._run_batch(self._run, self._client, left) if left else 0
        return len(ids) - len(left) + single

    @property
    def _received(self) -> int:
        """Answers so far."""
        return self._client.stats.observations + self._bulk.found

    async def _show_progress(self) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            self._run.reporter.progress(self._received, self._tally.planned)

    def _count(self) -> Count:
        return Count(self._received, self._tally.planned - self._received, self._client.stats.observations)


class _Batches:
    """The running batches of a run."""

    def __init__(
        self, run: Run, client: GatewayClient, tally: Tally, batch: Callable[[list[str]], Awaitable[int]]
    ) -> None:
        self._run, self._client, self._tally, self._batch = run, client, tally, batch
        self._at_once = 2 + 2 * run.settings.concurrency // run.sizes.batch_ids
        self._begun = client.stats.first_attempts
        self._ids = 0
        self.running: set[asyncio.Task[int]] = set()

    def start(self, ids: list[str]) -> None:
        self._ids += len(ids)
        self.running.add(asyncio.ensure_future(self._batch(ids)))

    async def room(self) -> None:
        """Wait until another batch may start.

        A few run at once, and more if the running ones have only failed ids left: retries wait for new ids to go first.
        """
        while len(self.running) >= self._at_once + (MORE_BATCHES if self._are_new_ids_running_out() else 0):
            await self._some_done(_POLL_SECONDS)

    async def finish(self) -> None:
        while self.running:
            await self._some_done(None)

    def _are_new_ids_running_out(self) -> bool:
        return self._ids - (self._client.stats.first_attempts - self._begun) < self._run.sizes.batch_ids

    async def _some_done(self, most_seconds: float | None) -> None:
        wait = asyncio.wait(self.running, timeout=most_seconds, return_when=asyncio.FIRST_COMPLETED)
        done, self.running = await wait
        self._tally.answered += sum(task.result() for task in done)
