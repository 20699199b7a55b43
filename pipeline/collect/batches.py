"""Poll a batch of ids and archive the answers: the unit of work of a run, and one Prefect task in a flow."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Self

import polars as pl

from pipeline.threads import run_to_its_end
from transforms.schema import ANSWERS, body_hash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from gateway.client import GatewayClient
    from gateway.observation import Observation
    from pipeline.run import Run

#: Answers are written to the archive after `Sizes.flush_answers` of them, this many bytes, or this many seconds.
FLUSH_BYTES: Final = 4 * 1024 * 1024
FLUSH_SECONDS: Final = 5.0


async def fetch_batch(run: Run, client: GatewayClient, ids: Sequence[str]) -> int:
    """Poll ids and archive every answer; returns their number. Safe to repeat: loading is idempotent.

    When this returns, raises or is cancelled, every answer that came is in the archive.

    Raises:
        ArchiveError: when answers cannot be written.
    """
    answers = 0
    async with AnswerBuffer(run) as buffer, contextlib.aclosing(client.fetch_many(ids)) as observations:
        async for observation in observations:
            answers += 1
            await buffer.add(observation)
    return answers


class AnswerBuffer:
    """Buffers answers for the archive: at most `Sizes.flush_answers` of them, for at most `FLUSH_SECONDS`.

    Their bytes count in the run's memory until they are written; if memory is tight, they are written sooner.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._waiting: list[Observation] = []
        self._bytes = 0
        self._writing = asyncio.Lock()
        self._ticker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._ticker = asyncio.create_task(self._tick())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._ticker:
                self._ticker.cancel()
                await asyncio.gather(self._ticker, return_exceptions=True)
        finally:  # a cancelled run must keep the answers it received, even if it is cancelled a second time
            taken, size = self._take()
            try:
                await run_to_its_end(self._write, taken)
            finally:
                self._run.memory.take(-size)

    async def add(self, observation: Observation) -> None:
        self._waiting.append(observation)
        size = len(observation.body or b"")
        self._bytes += size
        self._run.memory.take(size)
        if len(self._waiting) >= self._run.sizes.flush_answers or self._bytes >= self._most_bytes():
            await self._flush()

    def _most_bytes(self) -> int:
        return FLUSH_BYTES // 8 if self._run.memory.is_tight else FLUSH_BYTES

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self._flush()

    async def _flush(self) -> None:
        async with self._writing, self._run.memory.writing:
            taken, size = self._take()
            try:
                await run_to_its_end(self._write, taken)
            except asyncio.CancelledError:
                self._run.memory.take(-size)
                raise
            except BaseException:
                self._waiting, self._bytes = taken + self._waiting, size + self._bytes
                raise
            self._run.memory.take(-size)

    def _take(self) -> tuple[list[Observation], int]:
        """Empty the buffer; returns the answers and their size in bytes."""
        taken, self._waiting = self._waiting, []
        size, self._bytes = self._bytes, 0
        return taken, size

    def _write(self, observations: list[Observation]) -> None:
        if observations:
            segment_id = next(self._run.segment_ids)
            rows = answers_frame(observations, segment_id, self._run.run_id)
            self._run.store.write("observations", rows, segment_id=segment_id, at=self._run.clock.now())


def answers_frame(observations: Sequence[Observation], segment_id: str, run_id: str) -> pl.DataFrame:
    """Observations in the schema `ANSWERS`."""
    rows = [(seen.source, seen.task_id, *received(seen, segment_id, run_id)) for seen in observations]
    return pl.DataFrame(rows, schema=ANSWERS, orient="row")


def received(seen: Observation, segment_id: str, run_id: str) -> tuple[object, ...]:
    """The columns from `observed_at` on, which are the same for answers about a task and for pages of the list."""
    return (
        seen.observed_at,
        segment_id,
        run_id,
        seen.http_status,
        seen.content_type,
        seen.body,
        seen.body_cut,
        body_hash(seen.body),
        seen.elapsed_ms,
        seen.attempts,
        seen.refusals,
        seen.request_id,
        seen.gateway_version,
        seen.error,
    )
